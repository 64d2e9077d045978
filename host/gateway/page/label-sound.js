/**
 * Sound of a collected window, on the page /label: a spectrogram, and a button that plays the window. Nothing
 * is loaded: the samples come with the window.
 */
globalThis.windowSound = ({ colour, element }) => {
  /** Samples of a spectrum, and the range of loudness that is shown, in decibels. Choices. */
  const [size, rangeDb] = [512, 70];
  const hann = Float32Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
  let [context, source] = [];
  let playButton;

  /** Fourier transform in place (Cooley and Tukey, radix 2). @param re @param im of a power of two length */
  function transform(re, im) {
    const n = re.length;
    for (let i = 1, j = 0; i < n; i++) {
      let bit = n >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) [re[i], re[j], im[i], im[j]] = [re[j], re[i], im[j], im[i]];
    }
    for (let half = 1; half < n; half *= 2)
      for (let k = 0; k < half; k++) {
        const [c, s] = [Math.cos((Math.PI * k) / half), -Math.sin((Math.PI * k) / half)];
        for (let a = k; a < n; a += 2 * half) {
          const b = a + half;
          const [x, y] = [re[b] * c - im[b] * s, re[b] * s + im[b] * c];
          [re[b], im[b]] = [re[a] - x, im[a] - y];
          re[a] += x;
          im[a] += y;
        }
      }
  }

  /** Returns the loudness of each frequency at `count` places of the samples, in decibels. */
  function spectra(samples, count) {
    return Array.from({ length: count }, (_, column) => {
      const from = Math.round((column * samples.length) / count) - size / 2;
      const re = Float32Array.from(hann, (weight, i) => weight * (samples[from + i] ?? 0));
      const im = new Float32Array(size);
      transform(re, im);
      return Float32Array.from({ length: size / 2 }, (__, i) => 10 * Math.log10(re[i] ** 2 + im[i] ** 2 + 1e-12));
    });
  }

  /** Returns a function from 0 to 1 to a colour of the ramp: [r, g, b]. */
  function rampOf() {
    const stops = colour('ramp')
      .split(' ')
      .map((hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)));
    return (share) => {
      const at = Math.min(stops.length - 1.001, Math.max(0, share * (stops.length - 1)));
      const [low, high] = [stops[Math.floor(at)], stops[Math.floor(at) + 1]];
      return low.map((value, i) => value + (at % 1) * (high[i] - value));
    };
  }

  /**
   * Draws a grid as a picture, row 0 at the bottom. @param shade returns 0 to 1 for a column and a row.
   * @param marks places of vertical lines, 0 to 1. @param text what it shows.
   */
  function picture({ columns, rows, shade, marks, text }) {
    const canvas = element('canvas', { role: 'img', 'aria-label': text, width: columns, height: rows });
    const paint = canvas.getContext('2d');
    const image = paint.createImageData(columns, rows);
    const ramp = rampOf();
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        image.data.set([...ramp(shade(column, rows - 1 - row)), 255], 4 * (row * columns + column));
    paint.putImageData(image, 0, 0);
    const lines = marks.map((share) => {
      const line = element('i', {});
      line.style.left = `${100 * share}%`;
      return line;
    });
    return element('div', { class: 'picture' }, canvas, ...lines);
  }

  function stop() {
    source?.stop();
    source = undefined;
    playButton?.setAttribute('aria-pressed', 'false');
  }

  /** Plays samples, as loud as they can be without clipping. */
  function play(samples, rateHz) {
    if (source) return stop();
    context ??= new AudioContext();
    void context.resume();
    const peak = samples.reduce((most, x) => Math.max(most, Math.abs(x)), 0) || 1;
    const buffer = context.createBuffer(1, samples.length, rateHz);
    buffer.copyToChannel(
      samples.map((x) => (0.9 * x) / peak),
      0,
    );
    source = new AudioBufferSourceNode(context, { buffer });
    source.connect(context.destination);
    source.onended = stop;
    source.start();
    playButton.setAttribute('aria-pressed', 'true');
  }

  return {
    picture,
    /** Adds spectrogram and button. @param plot of the samples; the picture lines up with its area. */
    show(host, { channels: [samples], rateHz, xs }, to, plot) {
      stop();
      const dots = devicePixelRatio;
      const columns = Math.max(1, Math.min(Math.round(plot.bbox.width / dots), samples.length));
      const grid = spectra(samples, columns);
      const loudest = grid.reduce((most, one) => one.reduce((a, b) => Math.max(a, b), most), Number.NEGATIVE_INFINITY);
      const share = (x) => (x - xs[0]) / (xs.at(-1) - xs[0]);
      const box = picture({
        columns,
        rows: size / 2,
        shade: (column, row) => 1 + (grid[column][row] - loudest) / rangeDb,
        marks: [share(0), share(to)],
        text: `Spectrogram from 0 to ${rateHz / 2000} kHz`,
      });
      box.style.marginLeft = `${plot.bbox.left / dots}px`;
      box.style.width = `${plot.bbox.width / dots}px`;
      box.append(element('span', { text: `${rateHz / 2000} kHz`, 'aria-hidden': 'true' }));
      playButton = element('button', { type: 'button', id: 'play', 'aria-pressed': 'false' }, 'Play the window ');
      playButton.append(element('kbd', { text: 'Space' }));
      const at = (x) => xs.findIndex((one) => one >= x);
      const [begin, end] = [at(0), at(to)];
      playButton.addEventListener('click', () => play(samples.slice(begin, end < 0 ? undefined : end), rateHz));
      host.append(box, playButton);
    },
  };
};
