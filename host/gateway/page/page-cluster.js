/**
 * The cluster on the gateway's page: gateways with what each holds, partitions, books, alarms.
 *
 * In: `cluster` of /v1/board.  Out: elements. Names and texts come from other gateways and are inserted as
 * text, never as HTML.
 */
globalThis.clusterView = ({ $, number, element }) => {
  let drawn = '';

  /** Words for the messages that wait, and a level from 0 to 3 for the colour of a partition. */
  const levelOf = (lag) => (lag === 0 ? 0 : lag < 100 ? 1 : lag < 1000 ? 2 : 3);
  const many = (count, one, more = `${one}s`) => `${number(count)} ${count === 1 ? one : more}`;

  /** Returns owner, streams and waiting messages of each partition. */
  function partitionsOf({ partitions, owners, members }) {
    const facts = new Map(
      members.flatMap(({ id, partitions: held }) => held.map((part) => [`${id} ${part.number}`, { id, ...part }])),
    );
    const reported = new Map([...facts.values()].map((part) => [part.number, part.id]));
    const leased = new Map(owners.map(({ partition, id }) => [partition, id]));
    return Array.from({ length: partitions }, (_, at) => {
      const owner = leased.get(at) || reported.get(at);
      return { at, owner, ...facts.get(`${owner} ${at}`) };
    });
  }

  function chip({ at, streams, lag }) {
    const text = `${at}`;
    const title = `partition ${at}: ${streams === undefined ? 'nothing is known' : `${many(streams, 'stream')}, ${many(lag, 'message')} waiting`}`;
    return element('li', { text, title, class: `lag${levelOf(lag ?? 0)}` });
  }

  function chips(parts, label) {
    return element('ol', { class: 'chips', 'aria-label': label }, ...parts.map(chip));
  }

  /** Returns the card of a gateway. */
  function card({ id, most, reports, streams, lag, versions, moves, failed }, parts, mine) {
    const lines = [];
    const held = `${many(parts.length, 'partition')}, ${many(streams, 'stream')}, ${many(lag, 'message')} waiting`;
    lines.push(element('p', { text: reports ? held : 'reports nothing' }));
    for (const { slot, name, version, digest } of versions)
      lines.push(element('p', { text: `slot ${slot}: ${name} ${version}`, title: `digest ${digest}` }));
    if (reports && versions.length === 0) lines.push(element('p', { text: 'no bundle runs' }));
    const { taken, left, failed: fails } = moves;
    const ends = fails > 0 ? `, ${number(fails)} ended by an error` : '';
    if (reports) lines.push(element('p', { text: `moves: ${number(taken)} taken, ${number(left)} left${ends}` }));
    if (most !== undefined) lines.push(element('p', { class: 'bad', text: `takes at most ${number(most)}` }));
    const bad = !reports || most !== undefined || failed.length > 0;
    const title = element('h3', { text: id }, ...(mine ? [element('small', { text: 'this gateway' })] : []));
    return element('article', { class: bad ? 'warn' : undefined }, title, ...lines, chips(parts, `Partitions of ${id}`));
  }

  function memberCards(cluster, parts) {
    const { members, id: mine } = cluster;
    const cards = members.map((one) =>
      card(
        one,
        parts.filter(({ owner }) => owner === one.id),
        one.id === mine,
      ),
    );
    const known = new Set(members.map(({ id }) => id));
    const free = parts.filter(({ owner }) => !known.has(owner));
    if (free.length > 0) {
      const text = `${many(free.length, 'partition')}; messages wait at the broker`;
      cards.push(
        element(
          'article',
          { class: 'warn' },
          element('h3', { text: 'no gateway' }),
          element('p', { text }),
          chips(free, 'Partitions without a gateway'),
        ),
      );
    }
    return cards;
  }

  const bookRows = [
    ['received', 'ticks that devices sent'],
    ['delivered', 'passed to the module'],
    ['late', 'arrived after they were lost'],
    ['duplicate', 'arrived again'],
    ['refused', 'in refused messages'],
    ['shed', 'dropped because of overload'],
    ['held', 'wait for earlier ticks'],
    ['lost', 'did not arrive'],
  ];
  function books({ sum, partitions }) {
    const rows = bookRows.map(([name, text]) => {
      const label = element('td', { text: name }, element('small', { text }));
      return element('tr', {}, label, element('td', { text: number(sum.books[name]) }));
    });
    $('books').tBodies[0].replaceChildren(...rows);
    const state = sum.balances ? 'They balance' : 'They do not balance';
    const counted = `${number(sum.partitions)} of ${many(partitions, 'partition')} ${partitions === 1 ? 'is' : 'are'} counted`;
    $('balance').textContent = `${state}: received is the sum of the six lines below it. ${counted}.`;
    $('balance').className = sum.balances ? 'note' : 'note bad';
  }

  function table(parts) {
    const rows = parts.map(({ at, owner, streams, lag }) => {
      const cells = [owner || 'none', streams === undefined ? '–' : number(streams), lag === undefined ? '–' : number(lag)];
      const head = element('th', { scope: 'row', text: `${at}` });
      return element(
        'tr',
        { class: owner ? undefined : 'bad' },
        head,
        ...cells.map((text) => element('td', { text, title: text })),
      );
    });
    $('partitions').tBodies[0].replaceChildren(...rows);
  }

  /** Texts of alarms; the list is not touched while they stay, so a screen reader reads each once. */
  function alarms(cluster) {
    const texts = cluster.alarms.map(({ text }) => text);
    if ($('alarms').dataset.texts === JSON.stringify(texts)) return;
    $('alarms').dataset.texts = JSON.stringify(texts);
    const all = texts.length > 0 ? texts : ['No alarm: every partition has a gateway, and all run the same bundles.'];
    $('alarms').className = texts.length > 0 ? 'bad' : '';
    $('alarms').replaceChildren(...all.map((text) => element('li', { text })));
  }

  function show(cluster) {
    $('cluster').hidden = !cluster;
    if (!cluster) return;
    const { members, sum, health } = cluster;
    const state = health.ready ? '' : `; this gateway is not ready: ${health.faults.join(', ')}`;
    const figures = [many(members.length, 'gateway'), many(sum.streams, 'stream'), `${many(sum.lag, 'message')} waiting`];
    $('site').textContent = `${figures.join(', ')}${state}`;
    alarms(cluster);
    const text = JSON.stringify(cluster);
    if (text === drawn) return;
    drawn = text;
    const parts = partitionsOf(cluster);
    $('members').replaceChildren(...memberCards(cluster, parts));
    table(parts);
    books(cluster);
  }

  return { show };
};
