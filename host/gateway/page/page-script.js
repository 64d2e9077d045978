/**
 * Script of the gateway's page: requests /v1/board every second and draws it. Names and texts from other
 * sources are inserted as text, never as HTML.
 */
/* global uPlot, clusterView, outputPlot, pageParts */
(() => {
  const { $, number, colour, element, axis, request, onToken, waits } = pageParts;
  const kept = 1024;
  let [stream, shown, find] = [undefined, undefined, ''];
  let outputs = [];
  let [before, bars] = [];

  const banner = (id, text) => {
    $(id).hidden = !text;
    if (typeof text === 'string') $(id).textContent = text;
  };
  const since = (seconds) =>
    seconds < 120
      ? `${Math.floor(seconds)} s`
      : seconds < 7200
        ? `${Math.floor(seconds / 60)} min`
        : `${Math.floor(seconds / 3600)} h`;

  /** Returns the upper bound of the bar in which a share of all counts is reached. */
  function quantile({ boundsMs, counts }, share) {
    const total = counts.reduce((a, b) => a + b, 0);
    let sum = 0;
    const at = counts.findIndex((count) => {
      sum += count;
      return total > 0 && sum >= share * total;
    });
    if (at < 0) return undefined;
    return at < boundsMs.length ? `≤ ${boundsMs[at]} ms` : `> ${boundsMs.at(-1)} ms`;
  }

  function figures(board) {
    const seconds = before ? (board.now - before.now) / 1000 : 0;
    const rate = (read) => (seconds > 0 ? Math.max(0, read(board) - read(before)) / seconds : undefined);
    const lost = board.counts.lost + board.counts.late;
    const rows = [
      ['streams', number(board.streamCount)],
      ['outputs per second', number(rate((b) => b.outputs))],
      ['latency, p99', quantile(board.latency, 0.99) ?? '–'],
      ['ticks lost', number(lost), lost > 0],
      ['ticks shed', number(board.counts.shed), board.counts.shed > 0],
    ];
    $('figures').replaceChildren(
      ...rows.map(([name, text, bad]) =>
        element('div', {}, element('dt', { text: name }), element('dd', { text, class: bad ? 'bad' : undefined })),
      ),
    );
  }

  const called = ({ name, version }) => `${name} ${version}`;
  const driftLines = ({ streams, error, learning }) => [
    ...streams
      .filter(({ state }) => state === 'drifted')
      .map(({ stream: name, cause, channels }) => ({ bad: true, text: `drift on ${name}: ${[cause, ...channels].join(' ')}` })),
    ...(error.rose ? [{ bad: true, text: 'drift: more answers are wrong, by the labels' }] : []),
    ...(learning > 0 ? [{ text: `drift: ${number(learning)} of ${number(streams.length)} streams have no reference yet` }] : []),
  ];

  /** The judgement of the running version on labelled windows, and a recommended other one. */
  function judgedLines({ kind, windows, value, interval, state, recommended }) {
    const shown = (x) => (kind === 'classes' ? `${number(100 * x)} %` : number(x, 3));
    const range = interval ? ` (${shown(interval.low)} to ${shown(interval.high)})` : '';
    const what = kind === 'classes' ? 'accuracy' : 'mean error';
    const text =
      windows > 0 ? `${what} ${shown(value)}${range} on ${number(windows)} labelled windows` : 'no labelled random windows yet';
    const level = { under: '; worse than its level', above: '', 'too few': '; too few for its level' }[state] ?? '';
    const lines = [element('p', { class: state === 'under' ? 'bad' : undefined, text: `${text}${level}` })];
    if (recommended) lines.push(element('p', { text: `recommended: ${recommended}` }));
    return lines;
  }

  function slotCard({ slot, active, previous, report, streams, signal, drift, judged }) {
    const trial = report && report.phase !== 'confirmed' && report.phase !== 'failed';
    const lines = [];
    if (active) {
      const by = active.keyId ? 'its signature was verified' : 'no signature was verified';
      const about = `digest ${active.digest}${active.keyId ? `, key ${active.keyId}` : ''}`;
      const text = `slot ${slot}, ${number(streams)} ${streams === 1 ? 'stream' : 'streams'}; sequence ${active.sequence}, ${by}`;
      lines.push(element('p', { text, title: about }));
      const { window: ticks, hop, sampleRateHz: rate } = signal;
      const seconds = (n) => (rate ? `${n} ticks (${number(n / rate, 2)} s)` : `${n} ticks`);
      lines.push(
        element('p', { text: `window ${seconds(ticks)}, hop ${seconds(hop)}; ${active.bytes.toLocaleString('en')} bytes` }),
      );
    } else lines.push(element('p', { text: `slot ${slot}` }));
    for (const { text, bad } of drift ? driftLines(drift) : [])
      lines.push(element('p', { text, class: bad ? 'bad' : undefined }));
    for (const line of judged ? judgedLines(judged) : []) lines.push(line);
    if (previous) lines.push(element('p', { text: `previous: ${called(previous)}` }));
    if (trial) {
      const text = report.phase === 'check' ? 'self-test' : `${number(report.outputs)} of ${number(report.wanted)} outputs`;
      const agree = report.compared > 0 && report.agreement !== undefined ? `, ${number(100 * report.agreement)} % agree` : '';
      const bar = element('progress', { max: report.wanted, value: report.phase === 'passed' ? report.wanted : report.outputs });
      bar.setAttribute('aria-label', `trial of ${report.name} ${report.version}`);
      const line = element(
        'p',
        {},
        element('b', { text: `${report.phase === 'passed' ? 'passed, not confirmed' : 'on trial'}: ` }),
      );
      line.append(`${called(report)}; ${text}${agree}`);
      lines.push(bar, line);
    } else if (report?.phase === 'failed')
      lines.push(
        element('p', { class: 'bad', text: `failed: ${called(report)}; ${report.failure?.code} ${report.failure?.why}` }),
      );
    const title = active ? `${active.name} ${active.version}` : 'no bundle runs';
    return element('article', { class: trial ? 'trial' : active ? '' : 'none' }, element('h2', { text: title }), ...lines);
  }

  function streamTable(board) {
    const signalOf = (slot) => board.slots.find((s) => s.slot === slot)?.signal;
    const unitOf = (slot) => (signalOf(slot)?.unit ? ` ${signalOf(slot).unit}` : '');
    const latest = (one) => {
      const { last, failure } = one;
      if (failure) return failure.code;
      if (!last?.length) return '–';
      if (last.length === 1) return `${number(last[0], 2)}${unitOf(one.slot)}`;
      const best = last.reduce((top, value, i) => (value > last[top] ? i : top), 0);
      return signalOf(one.slot)?.labels?.[best] ?? `${best}: ${number(last[best], 2)}`;
    };
    const rows = board.streams.map((one) => {
      const button = element('button', { type: 'button', text: one.stream, title: one.stream });
      button.addEventListener('click', () => {
        stream = one.stream;
        void ask();
      });
      const cells = [latest(one), number(one.outputs), number(one.lost), number(one.waiting)].map((text) =>
        element('td', { text }),
      );
      const current = one.stream === board.selected?.stream ? 'true' : undefined;
      const bad = one.failure ? 'bad' : undefined;
      return element('tr', { 'aria-current': current, class: bad }, element('td', {}, button), ...cells);
    });
    const focused = document.activeElement?.closest?.('#streams tr') ? document.activeElement.textContent : undefined;
    $('streams').tBodies[0].replaceChildren(...rows);
    if (focused) [...$('streams').querySelectorAll('button')].find((b) => b.textContent === focused)?.focus();
    const { streamCount: all, foundCount: some, streams: few } = board;
    $('count').textContent = few.length < all ? `${number(few.length)} of ${number(find ? some : all)}` : '';
  }

  const cluster = clusterView({ $, number, element });
  const plot = outputPlot({ $, number, colour, element, axis });

  function selected(board) {
    const one = board.selected;
    if (!one) return;
    if (shown !== one.stream) outputs = [];
    shown = one.stream;
    stream ??= shown;
    const signal = board.slots.find(({ slot }) => slot === one.slot)?.signal;
    outputs = [...outputs.filter(({ sequence }) => sequence < (one.outputs[0]?.sequence ?? Infinity)), ...one.outputs].slice(
      -kept,
    );
    $('name').textContent = one.stream;
    const last = outputs.at(-1)?.values;
    $('latest').textContent = last?.length === 1 ? `${number(last[0], 2)}${signal?.unit ? ` ${signal.unit}` : ''}` : '';
    if (outputs.length > 0) plot.show(outputs, signal, shown);
  }

  function latency({ latency: found }) {
    const { boundsMs, counts } = found;
    $('late').textContent = `p50 ${quantile(found, 0.5) ?? '–'}, p95 ${quantile(found, 0.95) ?? '–'}`;
    const width = $('latency').clientWidth;
    const key = `${width} ${matchMedia('(prefers-color-scheme: dark)').matches}`;
    const data = [counts.map((_, i) => i), counts];
    if (bars?.key === key) return bars.plot.setData(data);
    bars?.plot.destroy();
    const names = [...boundsMs.map((ms) => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`)), 'more'];
    const options = {
      width,
      height: 190,
      cursor: { show: false },
      legend: { show: false },
      scales: {
        x: { time: false, range: [-0.6, counts.length - 0.4] },
        y: { range: (_, __, max) => [0, Math.max(4, max * 1.05)] },
      },
      axes: [
        axis({
          size: 34,
          grid: { show: false },
          splits: () => data[0].filter((i) => i % 3 === 0),
          values: (_, at) => at.map((i) => names[i] ?? ''),
        }),
        axis({ size: 48, label: 'outputs', labelFont: '12px system-ui', labelSize: 20 }),
      ],
      series: [{}, { fill: colour('wave'), width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.85, 60] }) }],
    };
    bars = { key, plot: new uPlot(options, data, $('latency')) };
  }

  const svgNode = (tag, attributes) => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  function ranges(board) {
    const rows = [];
    for (const { slot, ranges: channels } of board.slots) {
      for (const { name, least, most, mean, low, high, saturatedShare, saturated } of channels) {
        const at = (x) => Math.min(100, Math.max(0, (100 * (x - low)) / (high - low)));
        const svg = svgNode('svg', { viewBox: '0 0 100 16', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
        svg.append(
          svgNode('rect', { class: 'extent', x: at(least), width: Math.max(0.8, at(most) - at(least)), y: 3, height: 10 }),
          svgNode('rect', { class: 'mean', x: at(mean) - 0.3, width: 0.6, y: 0, height: 16 }),
        );
        const share =
          saturatedShare > 0
            ? `${number(100 * saturatedShare, 2)} % sat.`
            : saturated > 0
              ? `${number(saturated)} ever`
              : 'none sat.';
        const title = `slot ${slot}: ${number(least, 3)} to ${number(most, 3)}, mean ${number(mean, 3)}; ${number(saturated)} values saturated since the start`;
        const label = element('span', { text: name, title });
        rows.push(
          element(
            'div',
            { class: `channel${saturatedShare > 0.001 ? ' bad' : ''}`, title },
            label,
            svg,
            element('span', { text: share }),
          ),
        );
      }
      if (channels.length > 0) {
        const [low, high] = [channels[0].low, channels[0].high].map((x) => element('span', { text: number(x, 2) }));
        rows.push(element('div', { class: 'ends' }, low, high));
      }
    }
    if (rows.length === 0) rows.push(element('p', { class: 'note', text: 'No output yet.' }));
    $('ranges').replaceChildren(...rows);
  }

  const countRows = [
    ['received', 'ticks from wires that may lose messages'],
    ['delivered', 'passed to the module, in order'],
    ['reordered', 'arrived before their turn'],
    ['duplicate', 'arrived again, dropped'],
    ['late', 'arrived after they were lost, dropped', true],
    ['refused', 'in refused messages', true],
    ['shed', 'dropped because of overload', true],
    ['lost', 'did not arrive in time', true],
    ['filled', 'lost ticks that were replaced'],
    ['resets', 'restarts of the signal'],
    ['refusedMessages', 'messages without valid frames', true],
  ];
  function counts(board) {
    $('counts').tBodies[0].replaceChildren(
      ...countRows.map(([name, text, bad]) => {
        const value = board.counts[name];
        const words = name.replace(/[A-Z]/, (letter) => ` ${letter.toLowerCase()}`);
        const label = element('td', { text: words }, element('small', { text }));
        label.style.whiteSpace = 'normal';
        return element('tr', { class: bad && value > 0 ? 'bad' : undefined }, label, element('td', { text: number(value) }));
      }),
    );
  }

  const kinds = { step: 'bundle', refused: 'refused', stream: 'stream', overload: 'overload', drift: 'drift' };
  function notes(board) {
    $('notes').replaceChildren(
      ...board.notes.map(({ at, kind, text, bad }) => {
        const time = element('time', { text: new Date(at).toLocaleTimeString('en-GB'), datetime: new Date(at).toISOString() });
        return element('li', { class: bad ? 'bad' : undefined }, time, element('b', { text: kinds[kind] ?? kind }), ` ${text}`);
      }),
    );
    if (board.notes.length === 0) $('notes').append(element('li', { text: 'Nothing yet.' }));
  }

  function show(board) {
    banner('insecure', board.insecureUnsigned);
    banner(
      'safe',
      board.safeMode ? `Safe mode after ${board.crashes} crashes in a row: confirmed bundles run, and there are no trials.` : '',
    );
    const shedding = before && board.counts.shed > before.counts.shed;
    banner('shed', shedding ? 'Overload: frames arrive faster than they are processed, and the newest are dropped.' : '');
    $('state').textContent = `up for ${since(board.uptimeS)}`;
    $('state').className = '';
    figures(board);
    $('slots').replaceChildren(...board.slots.map(slotCard));
    selected(board);
    streamTable(board);
    latency(board);
    ranges(board);
    counts(board);
    cluster.show(board.cluster);
    notes(board);
    before = board;
  }

  async function ask() {
    const query = new URLSearchParams({ find, ...(stream && { stream }) });
    if (stream && stream === shown && outputs.length > 0) query.set('after', outputs.at(-1).sequence);
    try {
      const answer = await request(`/v1/board?${query}`);
      if (!answer) return;
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      show(await answer.json());
    } catch (error) {
      $('state').textContent = `no answer: ${error.message}`;
      $('state').className = 'bad';
    }
  }

  onToken(() => void ask());
  $('find').addEventListener('input', () => {
    find = $('find').value.trim();
    void ask();
  });
  (async () => {
    for (;;) {
      if (!document.hidden && !waits()) await ask();
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  })();
})();
