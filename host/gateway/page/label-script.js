/**
 * Script of the page /label: asks the gateway for a window, shows it, sends the answer, and asks for the
 * next. Names and texts from other sources are inserted as text, never as HTML.
 */
/* global pageParts, signalPlot, windowSound, windowAnswers */
(() => {
  const { $, number, element, request, onToken, waits } = pageParts;
  const nameKey = 'runlet-annotator';
  const maxSkipped = 50;
  /** Pairs of annotators that are listed: those with the most windows. */
  const maxPairs = 12;
  let annotator = localStorage.getItem(nameKey) ?? '';
  let [slots, slot] = [[], new URLSearchParams(location.search).get('slot') ?? ''];
  /** The window that is shown, and since when; without it, or while it changes, no answer is taken. */
  let [current, shownMs, hiddenMs, hiddenSince] = [undefined, 0, 0, undefined];
  let busy = true;
  let skipped = [];
  /** Windows that were answered, for the way back. */
  let given = [];

  function wait(does) {
    busy = does;
    $('work').setAttribute('aria-busy', `${does}`);
  }

  const signal = () => slots.find((one) => one.slot === slot)?.signal;
  const plot = signalPlot(pageParts, windowSound(pageParts));
  const answers = windowAnswers(pageParts, { answer, moves: { back, skip, remove } });

  /** Sends a request of the slot. Returns undefined if it failed, which is shown. */
  async function call(method, path, body) {
    try {
      const found = await request(path.startsWith('/') ? path : `/v1/slots/${encodeURIComponent(slot)}/${path}`, {
        method,
        ...(body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
      });
      if (!found) return undefined;
      const value = found.status === 204 ? {} : await found.json();
      if (!found.ok) throw new Error([value.error?.what, value.error?.why].filter(Boolean).join(': '));
      $('state').textContent = '';
      $('state').className = '';
      return value;
    } catch (error) {
      $('state').textContent = error.message;
      $('state').className = 'bad';
      return undefined;
    }
  }

  const nameOf = (label) => (label === false ? 'nothing of this' : label === null ? 'not sure' : `${label}`);

  /** Returns the values of one version, the largest first. */
  function valuesTable(title, outputs) {
    const { outputs: ports, unit } = signal();
    const names = answers.namesOf(signal());
    const rows = outputs.flatMap((values, port) => {
      const order = values.map((_, i) => i).sort((a, b) => values[b] - values[a]);
      const most = Math.max(Math.abs(values[order[0]]), 1e-9);
      return order.slice(0, 6).map((i) => {
        const name = values.length === 1 ? 'value' : (port === 0 && names[i]) || `${ports[port]?.name ?? port} ${i}`;
        const bar = element('i', {});
        bar.style.width = `${Math.max(0, Math.min(100, (100 * values[i]) / most))}%`;
        const text = `${number(values[i], 3)}${values.length === 1 && unit ? ` ${unit}` : ''}`;
        const cells = [element('td', {}, element('div', { class: 'value' }, bar)), element('td', { class: 'n', text })];
        return element('tr', {}, element('th', { scope: 'row', text: name }), ...(values.length > 1 ? cells : cells.slice(1)));
      });
    });
    return element('table', {}, element('caption', { text: title }), element('tbody', {}, ...rows));
  }

  /** Returns what the versions and other annotators say about a window. */
  function opinions(window) {
    const { version, digest, outputs, other, otherDigest, reasons, margin, labels } = window;
    const parts = [valuesTable(`${version || 'running version'}, digest ${digest.slice(0, 12)}`, outputs)];
    if (other) parts.push(valuesTable(`on trial, digest ${otherDigest.slice(0, 12)}`, other));
    const clear = margin === undefined ? '' : `, margin ${number(margin, 3)}`;
    parts.push(element('p', { class: 'note', text: `Chosen because: ${reasons.join(', ')}${clear}.` }));
    const others = labels.filter((one) => one.annotator !== annotator);
    if (others.length > 0) {
      const text = others.map((one) => `${one.annotator}: ${nameOf(one.label)}`).join('; ');
      parts.push(element('p', { class: 'note', text: `Other annotators: ${text}.` }));
    }
    return parts;
  }

  function showSaid() {
    if (!current) return;
    const hidden = element('p', { class: 'note', text: 'It is shown after your answer, so that it does not sway you.' });
    $('said').replaceChildren(...($('blind').checked ? [hidden] : opinions(current)));
  }

  function showLast() {
    const last = given.at(-1);
    $('last-part').hidden = !last;
    if (!last) return;
    const { window, label, seconds } = last;
    const text = `You said ${nameOf(label)}, after ${number(seconds)} s.`;
    $('last').replaceChildren(element('p', { text }), ...opinions(window));
  }

  function show(window) {
    current = window;
    $('work').hidden = !window;
    $('side').classList.toggle('alone', !window);
    cancelRemove();
    if (!window) return;
    const { stream, timeMs, windowTicks } = window;
    const { sampleRateHz: rate, columns } = signal();
    const length = rate ? `${number(windowTicks / rate, 2)} s` : `${number(windowTicks)} ticks`;
    $('title').textContent = stream;
    $('about').textContent = `${new Date(timeMs).toLocaleString('en-GB')}, ${length}`;
    plot.show(window, rate, columns);
    showSaid();
    [shownMs, hiddenMs] = [performance.now(), 0];
    hiddenSince = document.hidden ? performance.now() : undefined;
    wait(false);
  }

  const windows = (n) => `${number(n)} ${n === 1 ? 'window' : 'windows'}`;

  function progress({ left, answered, others, unreadable, window }) {
    const rest = left > 0 || others === 0 ? `${windows(left)} left` : `all have an answer; ${windows(others)} for a second one`;
    const bad = unreadable > 0 ? `; ${windows(unreadable)} cannot be read, perhaps for want of a key` : '';
    $('left').textContent = `${rest}, ${number(answered)} answered by you${bad}`;
    $('empty').hidden = window !== null;
    $('empty').textContent =
      skipped.length > 0 && left > 0
        ? 'You skipped all that are left. They come again in a moment.'
        : 'There is no window to label in this slot. This page looks again every few seconds.';
  }

  async function next() {
    wait(true);
    const query = new URLSearchParams({ annotator, skip: skipped.join(',') });
    const found = await call('GET', `windows/ask?${query}`);
    if (!found) return;
    progress(found);
    show(found.window);
    if (!found.window) skipped = [];
  }

  async function answer(label) {
    if (busy || !current) return;
    wait(true);
    const away = hiddenMs + (hiddenSince === undefined ? 0 : performance.now() - hiddenSince);
    const seconds = Math.round((performance.now() - shownMs - away) / 10) / 100;
    const done = await call('POST', `windows/${current.id}/labels`, { annotator, label, seconds });
    if (!done) {
      wait(false);
      return;
    }
    given = [...given, { window: current, label, seconds }].slice(-100);
    showLast();
    if (given.length < 5 || given.length % 5 === 0) void agreement();
    await next();
  }

  async function back() {
    const last = given.at(-1);
    if (busy || !last) return;
    wait(true);
    const removed = await call('DELETE', `windows/${last.window.id}/labels?${new URLSearchParams({ annotator })}`);
    given.pop();
    showLast();
    if (!removed) return next();
    const window = await call('GET', `windows/${last.window.id}`);
    if (!window) return next();
    show(window);
    const after = await call('GET', `windows/ask?${new URLSearchParams({ annotator })}`);
    if (after) progress({ ...after, window });
  }

  async function skip() {
    if (busy || !current) return;
    skipped = [...skipped, current.id].slice(-maxSkipped);
    await next();
  }

  /** Deletes the window after a second press. */
  async function remove() {
    if (busy || !current) return;
    if (!$('remove').classList.contains('sure')) {
      $('remove').classList.add('sure');
      $('remove').firstChild.textContent = 'Delete for good? Again';
      return;
    }
    wait(true);
    await call('DELETE', `windows/${current.id}`);
    await next();
  }
  function cancelRemove() {
    $('remove')?.classList.remove('sure');
    if ($('remove')) $('remove').firstChild.textContent = 'Delete window';
  }

  async function agreement() {
    const found = await call('GET', 'agreement');
    if (!found) return;
    const { annotators, pairs, disputed } = found;
    const people = annotators.map(({ annotator: name, answers: count, notSure, medianSeconds }) => {
      const cells = [number(count), number(notSure), Number.isFinite(medianSeconds) && medianSeconds !== null ? `${number(medianSeconds)} s` : '–']; // biome-ignore format: one line
      return element('tr', {}, element('th', { scope: 'row', text: name }), ...cells.map((text) => element('td', { class: 'n', text }))); // biome-ignore format: one line
    });
    const head = ['annotator', 'answers', 'not sure', 'median'].map((text, i) => element('th', { scope: 'col', text, class: i > 0 ? 'n' : undefined })); // biome-ignore format: one line
    const table = element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...people));
    const most = pairs.sort((a, b) => b.windows - a.windows).slice(0, maxPairs);
    const lines = most.map(({ annotators: [a, b], windows: both, kappa, meanDifference }) => {
      const how =
        meanDifference !== undefined
          ? `differ by ${number(meanDifference, 2)} on average`
          : kappa === undefined
            ? 'gave one answer only, so there is no kappa'
            : `kappa ${number(kappa, 2)}`;
      return element('p', { class: 'note', text: `${a} and ${b}: ${how}, ${windows(both)}` });
    });
    const differ = element('p', {
      class: 'note',
      text: disputed > 0 ? `Annotators differ on ${windows(disputed)}. Those are asked first.` : 'Annotators differ nowhere.',
    });
    const none = element('p', { class: 'note', text: 'Nobody has answered yet.' });
    $('agreement').replaceChildren(...(people.length > 0 ? [table, ...lines, differ] : [none]));
  }

  async function openSlot() {
    $('empty').hidden = true;
    [given, skipped] = [[], []];
    showLast();
    answers.show(signal());
    await Promise.all([next(), agreement()]);
  }

  async function begin() {
    const status = await call('GET', '/v1/status');
    if (!status) return;
    slots = status.slots.filter((one) => one.signal);
    if (!signal()) slot = slots[0]?.slot ?? '';
    $('slot').replaceChildren(...slots.map((one) => element('option', { text: one.slot, value: one.slot })));
    $('slot').value = slot;
    $('who').hidden = annotator !== '';
    $('desk').hidden = annotator === '' || !signal();
    $('annotator').textContent = annotator;
    if (!signal()) $('state').textContent = 'no bundle runs';
    else if (annotator === '') $('name').focus();
    else await openSlot();
  }

  /** Keeps a checkbox in the browser. */
  function kept(id, change = () => {}) {
    $(id).checked = localStorage.getItem(`runlet-${id}`) !== 'off';
    $(id).addEventListener('change', () => {
      localStorage.setItem(`runlet-${id}`, $(id).checked ? 'on' : 'off');
      change();
    });
  }
  kept('blind', showSaid);
  kept('keys');
  onToken(() => void begin());
  $('who').addEventListener('submit', (event) => {
    event.preventDefault();
    annotator = $('name').value.trim();
    localStorage.setItem(nameKey, annotator);
    void begin();
  });
  $('rename').addEventListener('click', () => {
    annotator = '';
    wait(true);
    localStorage.removeItem(nameKey);
    void begin();
  });
  $('slot').addEventListener('change', () => {
    slot = $('slot').value;
    history.replaceState(null, '', `?${new URLSearchParams({ slot })}`);
    void openSlot();
  });
  document.addEventListener('keydown', ({ key, target }) => key !== 'Delete' && target.id !== 'remove' && cancelRemove());
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) hiddenSince = performance.now();
    else if (hiddenSince !== undefined) [hiddenMs, hiddenSince] = [hiddenMs + performance.now() - hiddenSince, undefined];
  });
  setInterval(() => !document.hidden && !waits() && !$('empty').hidden && annotator !== '' && void next(), 5000);
  void begin();
})();
