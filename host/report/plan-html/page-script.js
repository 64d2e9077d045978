/**
 * Browser script of a plan's page: moves the windows with the hop, and shows what a row depends on. The page
 * includes it as it is.
 */
(() => {
  const plan = JSON.parse(document.getElementById('plan').textContent);
  const figure = document.querySelector('.figure');
  const frames = Number(figure.dataset.frames);
  const slider = document.getElementById('hop');
  const cone = figure.querySelector('.cone');
  const tip = figure.querySelector('.tip');
  const rowsOf = [...figure.querySelectorAll('.layer[data-layer]')];
  const text = (n) => n.toLocaleString('en');
  let hop = plan.start;
  /** The selected row: the layer's index and the row's number. */
  let chosen;

  function move() {
    hop = Number(slider.value);
    const first = hop * plan.hop;
    for (const group of figure.querySelectorAll('.move')) group.style.transform = `translateX(${first}px)`;
    for (const mark of figure.querySelectorAll('.phase')) {
      const layer = plan.layers[Number(mark.closest('.layer').dataset.layer)];
      const phase = (first % layer.pitch) / (layer.pitch / layer.phases);
      const dots = mark.querySelectorAll('i');
      for (const [i, dot] of dots.entries()) dot.classList.toggle('on', i === phase);
      if (dots.length === 0) mark.querySelector('b').textContent = phase + 1;
    }
    const due = first + plan.window + plan.delay;
    const seconds = plan.rate ? `, ${(due / plan.rate).toFixed(2)} s` : '';
    const where = document.getElementById('where');
    where.textContent = `window n = ${hop}: frames ${text(first)} to ${text(first + plan.window - 1)}; its answer is due after frame ${text(due - 1)}${seconds}`;
    clear();
  }

  function clear() {
    cone.replaceChildren();
    tip.hidden = true;
    chosen = undefined;
  }

  /**
   * Returns, for each layer, the rows [low, high] that rows [low, high] of layer `from` depend on.
   * @param inside true to stay inside the window.
   */
  function reach(from, low, high, inside) {
    const found = new Map([[from, [low, high]]]);
    for (let y = from; y > 0; y--) {
      const needed = found.get(y);
      if (!needed) continue;
      const { reads, taps } = plan.layers[y];
      for (const x of reads) {
        const { rows, history } = plan.layers[x];
        let a = 0;
        let b = rows - 1;
        if (taps) {
          a = needed[0] * taps.stride - taps.before;
          b = needed[1] * taps.stride - taps.before + (taps.kernel - 1) * taps.dilation;
          if (inside && !history) {
            a = Math.min(rows - 1, Math.max(0, a));
            b = Math.max(0, Math.min(rows - 1, b));
          }
        }
        const before = found.get(x);
        found.set(x, before ? [Math.min(before[0], a), Math.max(before[1], b)] : [a, b]);
      }
    }
    return found;
  }

  function shape(name, attributes) {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    cone.append(element);
  }

  /** Shows the row at the pointer. */
  function show(event) {
    const lane = event.target.closest('svg[data-lane]');
    const row = event.target.closest('.layer[data-layer]');
    if (!lane || !row) return clear();
    const index = Number(row.dataset.layer);
    const layer = plan.layers[index];
    const box = lane.getBoundingClientRect();
    const start = hop * plan.hop + (lane.dataset.lane === 'ahead' ? layer.ahead * plan.hop : 0);
    const at = ((event.clientX - box.left) / box.width) * frames - start;
    const grid = layer.pitch / layer.phases;
    const between =
      lane.dataset.lane === 'stream' ? (((Math.floor(at / grid) % layer.phases) + layer.phases) % layer.phases) * grid : 0;
    const n = Math.floor((at - between) / layer.pitch);
    const inside = lane.dataset.lane !== 'stream';
    if ((inside && !layer.history && n < 0) || n >= layer.rows) return clear();
    chosen = { index, n };
    tell(lane, index, n, start, between, event.clientX);
  }

  /** Draws the cone of row `n` of a layer, drawn in `lane`, and a text at `x` pixels from the page's left. */
  function tell(lane, index, n, start, between, x) {
    const layer = plan.layers[index];
    const inside = lane.dataset.lane !== 'stream';
    const found = reach(index, n, n, inside);
    draw(index, found, start + between);
    const input = found.get(0) ?? [0, 0];
    const name = between
      ? 'a row in between, for other windows'
      : `row ${n} of window ${hop + (lane.dataset.lane === 'ahead' ? layer.ahead : 0)}`;
    const [a, b] = [start + between + input[0], start + between + input[1]];
    tip.textContent =
      index === 0 ? `input frame ${text(a)}` : `${layer.name}, ${name}: reads input frames ${text(a)} to ${text(b)}`;
    tip.hidden = false;
    const outer = figure.getBoundingClientRect();
    const left = Math.max(0, Math.min(x - outer.left + 12, outer.width - tip.offsetWidth));
    const below = lane.getBoundingClientRect().bottom - outer.top + 8;
    tip.style.transform = `translate(${left}px, ${below}px)`;
  }

  /** Selects a layer and a row of window n with the arrow keys. */
  function choose(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') return clear();
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!steps) return;
    event.preventDefault();
    const last = plan.layers.length - 1;
    const index = chosen ? Math.min(last, Math.max(0, chosen.index + steps[0])) : last;
    const { rows, pitch } = plan.layers[index];
    // keeps the time: the row of the new layer at the same frame
    const at = chosen ? (chosen.n * plan.layers[chosen.index].pitch) / pitch : rows - 1;
    const n = Math.min(rows - 1, Math.max(0, Math.floor(at) + steps[1]));
    chosen = { index, n };
    const lane = rowsOf[index].querySelector('svg[data-lane="window"]');
    const box = lane.getBoundingClientRect();
    const start = hop * plan.hop;
    tell(lane, index, n, start, 0, box.left + ((start + n * pitch) / frames) * box.width);
  }

  function draw(top, found, start) {
    cone.replaceChildren();
    const outer = figure.getBoundingClientRect();
    const spots = new Map();
    for (const [index, [low, high]] of found) {
      const lanes = rowsOf[index].querySelector('.lanes').getBoundingClientRect();
      const { pitch } = plan.layers[index];
      const x = (f) => lanes.left - outer.left + (Math.max(0, Math.min(frames, start + f)) / frames) * lanes.width;
      const bar = rowsOf[index].querySelector('svg.window').getBoundingClientRect();
      const [x1, x2] = [x(low * pitch), x((high + 1) * pitch)];
      spots.set(index, { x1, x2, y1: bar.top - outer.top, y2: bar.bottom - outer.top });
    }
    for (const [index, to] of spots)
      for (const source of plan.layers[index].reads) {
        const from = spots.get(source);
        const points = [from.x1, from.y2, from.x2, from.y2, to.x2, to.y1, to.x1, to.y1];
        if (from) shape('polygon', { points: points.map((p) => p.toFixed(1)).join(' ') });
      }
    for (const [index, s] of spots)
      shape('rect', {
        x: s.x1,
        y: s.y1 - 1,
        width: Math.max(1, s.x2 - s.x1),
        height: s.y2 - s.y1 + 2,
        class: index === top ? 'top' : '',
      });
  }

  const step = (by) => {
    slider.value = String(Number(slider.value) + by);
    move();
  };
  document.getElementById('back').addEventListener('click', () => step(-1));
  document.getElementById('on').addEventListener('click', () => step(1));
  slider.addEventListener('input', move);
  figure.addEventListener('pointermove', show);
  figure.addEventListener('pointerdown', show);
  figure.addEventListener('pointerleave', clear);
  figure.addEventListener('keydown', choose);
  figure.addEventListener('blur', clear);
  move();
})();
