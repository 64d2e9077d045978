/**
 * Plot of a collected window with the signal around it, on the page /label: a lane for each channel, or a
 * picture if an input has many. The window is marked. The pointer or the arrow keys read values.
 */
/* global uPlot */
globalThis.signalPlot = ({ $, number, colour, element, axis }, sound) => {
  const readers = { float32: [4, 'getFloat32'], int8: [1, 'getInt8'], uint8: [1, 'getUint8'], int16: [2, 'getInt16'] };
  /** Number of channels from which an input is drawn as a picture. */
  const manyChannels = 17;
  let plots = [];
  let shown;

  /** Returns the real values of each input, one array per channel. */
  function inputsOf({ signal, tickBytes, inputs }) {
    const bytes = Uint8Array.from(atob(signal), (one) => one.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const ticks = Math.floor(bytes.length / tickBytes);
    let start = 0;
    return inputs.map(({ name, hostType, elements, rate = 1, scale, zeroPoint, type }) => {
      const [width, read] = readers[hostType];
      const real = hostType === 'float32' ? (x) => x : (x) => scale * (x - zeroPoint);
      const channels = Array.from({ length: elements }, () => new Float32Array(ticks * rate));
      for (let at = 0; at < ticks * rate; at++) {
        const row = Math.floor(at / rate) * tickBytes + start + (at % rate) * elements * width;
        for (let i = 0; i < elements; i++) channels[i][at] = real(view[read](row + i * width, true));
      }
      start += width * elements * rate;
      // the range of the stored type
      return { name, rate, channels, full: scale * (hostType === 'int16' || type === 'int16' ? 65535 : 255) };
    });
  }

  /** Fills the window's background and draws its edges. */
  const mark = (to) => (plot) => {
    const { ctx, bbox } = plot;
    const [left, right] = [0, to].map((x) => plot.valToPos(x, 'x', true));
    ctx.fillStyle = colour('fresh');
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    ctx.fillStyle = colour('accent');
    for (const x of [left, right]) ctx.fillRect(x - devicePixelRatio / 2, bbox.top, devicePixelRatio, bbox.height);
  };

  /** Writes name and range of each lane above it. */
  const name = (lanes) => (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.font = `${11.5 * devicePixelRatio}px system-ui`;
    ctx.textBaseline = 'top';
    for (const [i, { label, low, high }] of lanes.entries()) {
      const top = plot.valToPos(0.5 - i, 'y', true) + devicePixelRatio;
      ctx.fillStyle = colour(`series-${i % 10}`);
      ctx.textAlign = 'left';
      ctx.fillText(label, bbox.left + 5 * devicePixelRatio, top);
      ctx.fillStyle = colour('soft');
      ctx.textAlign = 'right';
      ctx.fillText(`${number(low, 2)} to ${number(high, 2)}`, bbox.left + bbox.width - 5 * devicePixelRatio, top);
    }
    ctx.restore();
  };

  const unitOf = (rate) => (rate ? 'seconds from the start of the window' : 'ticks from the start of the window');

  function lanesPlot(input, { to, rate }) {
    const { channels, labels, full, xs, rateHz } = input;
    const lanes = channels.map((values, i) => {
      const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
      const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      // a channel that hardly moves is not blown up: a lane shows at least a twentieth of the stored range
      const range = Math.max(high - low, full / 20) || 1;
      const place = (x) => (0.62 * (x - (low + high) / 2)) / range - i - 0.14;
      return { label: labels[i], low, high, data: Array.from(values, place) };
    });
    const height = Math.max(24, Math.min(120, 330 / lanes.length));
    const host = element('div', {});
    $('signal').append(host);
    const options = {
      width: $('signal').clientWidth,
      height: Math.round(height * lanes.length) + 52,
      legend: { show: false },
      cursor: { y: false, drag: { setScale: false } },
      scales: { x: { time: false }, y: { range: [0.5 - lanes.length, 0.5] } },
      axes: [
        axis({ size: 30, space: 70, label: unitOf(rate), labelFont: '12px system-ui', labelSize: 18 }),
        axis({ size: 8, values: () => [], splits: () => lanes.slice(1).map((_, i) => -i - 0.5) }),
      ],
      series: [
        {},
        ...lanes.map(({ label }, i) => ({ label, stroke: colour(`series-${i % 10}`), width: 1.4, points: { show: false } })),
      ],
      hooks: {
        drawClear: [mark(to)],
        draw: [name(lanes)],
        setCursor: [({ cursor }) => read(cursor.idx)],
        // the picture of a sound lines up with the area of the plot, which is known then
        ready: [(plot) => channels.length === 1 && rateHz >= 4000 && sound.show(host, input, to, plot)],
      },
    };
    return new uPlot(options, [xs, ...lanes.map(({ data }) => data)], host);
  }

  function picture({ name: label, channels, xs }, { to, rate }) {
    const share = (x) => (x - xs[0]) / (xs.at(-1) - xs[0]);
    const values = channels.flatMap((channel) => [...channel]);
    const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const shade = (column, row) => (channels[row][column] - low) / (high - low || 1);
    const text = `${label}: ${channels.length} channels, the first at the bottom, from ${number(low, 2)} to ${number(high, 2)}`;
    const box = sound.picture({ columns: xs.length, rows: channels.length, shade, marks: [share(0), share(to)], text });
    $('signal').append(box, element('p', { class: 'note', text: `${text}; ${unitOf(rate)}` }));
  }

  /** Shows the values at a sample as text. */
  function read(at) {
    const { inputs, rate } = shown;
    const [{ channels, labels, xs }] = inputs;
    if (at === null || at === undefined || channels.length >= manyChannels) return;
    const where = `${number(xs[at], 3)}${rate ? ' s' : ''}`;
    $('reading').textContent = `at ${where}: ${channels.map((values, i) => `${labels[i]} ${number(values[at], 3)}`).join(', ')}`;
  }

  /** Moves from sample to sample with the arrow keys. */
  function chooseSample(event) {
    const [plot] = plots;
    if (!plot || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = plot.data[0].length - 1;
    const step = Math.max(1, Math.round(last / 100));
    const now = plot.cursor.idx ?? Math.round(last / 2);
    const to = { ArrowLeft: now - step, ArrowRight: now + step, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const at = Math.min(last, Math.max(0, to));
    plot.setCursor({ left: plot.valToPos(plot.data[0][at], 'x'), top: 10 });
    read(at);
  }
  $('signal').addEventListener('keydown', chooseSample);

  function draw() {
    for (const plot of plots) plot.destroy();
    plots = [];
    $('signal').replaceChildren();
    for (const input of shown.inputs) {
      if (input.channels.length >= manyChannels) picture(input, shown);
      else plots.push(lanesPlot(input, shown));
    }
    $('reading').textContent = plots.length > 0 ? 'Point at the signal to read values, or use the arrow keys there.' : '';
  }

  let width = 0;
  new ResizeObserver(() => {
    if (shown && Math.abs($('signal').clientWidth - width) > 1) draw();
    width = $('signal').clientWidth;
  }).observe($('signal'));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => shown && draw());

  return {
    /** @param window as the API gives it. @param rate ticks per second. @param columns names of its values */
    show(window, rate, columns) {
      const { from, windowFrom, windowTicks } = window;
      const inputs = inputsOf(window).map((input) => {
        const xs = Array.from(input.channels[0], (_, i) => (from - windowFrom + i / input.rate) / (rate ?? 1));
        const called = (i) => (input.channels.length > 1 ? `${input.name} ${i}` : input.name);
        const labels = input.channels.map((_, i) => (window.inputs.length === 1 && columns?.[i]) || called(i));
        return { ...input, xs, labels, rateHz: rate && rate * input.rate };
      });
      shown = { inputs, rate, to: windowTicks / (rate ?? 1) };
      width = $('signal').clientWidth;
      draw();
    },
  };
};
