/**
 * Plot of a stream's outputs over time, on the gateway's page. The pointer or the arrow keys select an
 * output, which is shown as text.
 */
/* global uPlot */
globalThis.outputPlot = ({ $, number, colour, element, axis }) => {
  let [outputs, signal, stream, scores] = [[], undefined, undefined, undefined];

  /** Draws a line where another bundle became active. */
  function marks(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.fillStyle = colour('ink');
    ctx.strokeStyle = colour('soft');
    ctx.font = `${12 * devicePixelRatio}px system-ui`;
    ctx.setLineDash([4, 4]);
    for (let i = 1; i < outputs.length; i++) {
      if (outputs[i].version === outputs[i - 1].version) continue;
      const x = plot.valToPos((plot.data[0][i] + plot.data[0][i - 1]) / 2, 'x', true);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const left = x > bbox.left + bbox.width / 2;
      ctx.textAlign = left ? 'right' : 'left';
      ctx.fillText(outputs[i].version, x + (left ? -6 : 6) * devicePixelRatio, bbox.top + 14 * devicePixelRatio);
    }
    ctx.restore();
  }

  /** Returns the time of an output in its stream, in seconds, or in ticks if the rate is unknown. */
  const timeOf = ({ frame }) => (signal?.sampleRateHz ? frame / signal.sampleRateHz : frame);
  const timeText = (x) => {
    if (!signal?.sampleRateHz) return number(x);
    const minutes = Math.floor(x / 60);
    return `${minutes}:${(x - 60 * minutes).toFixed(1).padStart(4, '0').replace(/\.0$/, '')}`;
  };
  const withUnit = (value) => `${number(value, 2)}${signal?.unit ? ` ${signal.unit}` : ''}`;

  /** Shows one output as text. */
  function read(at) {
    const one = outputs[at];
    if (!one) {
      $('reading').textContent = '';
      return;
    }
    const { values, timestampMs, version, filled } = one;
    const best = values.reduce((top, value, i) => (value > values[top] ? i : top), 0);
    const says =
      values.length === 1 ? withUnit(values[0]) : `${signal?.labels?.[best] ?? `output ${best}`} ${number(values[best], 2)}`;
    const clock = timestampMs === undefined ? '' : ` (${new Date(timestampMs).toLocaleTimeString('en-GB')})`;
    const lost = filled > 0 ? `, ${number(filled)} ticks of its window were lost` : '';
    $('reading').textContent = `${timeText(timeOf(one))}${clock}: ${says}, by ${version}${lost}`;
  }

  function plotScores() {
    const count = Math.min(10, outputs.at(-1)?.values.length ?? 1);
    const rate = signal?.sampleRateHz;
    const key = `${stream} ${count} ${rate} ${signal?.unit} ${matchMedia('(prefers-color-scheme: dark)').matches}`;
    const data = [outputs.map(timeOf), ...Array.from({ length: count }, (_, i) => outputs.map(({ values }) => values[i]))];
    const width = $('plot').clientWidth;
    if (scores?.key === key && scores.plot.width === width) return scores.plot.setData(data);
    scores?.plot.destroy();
    const series = Array.from({ length: count }, (_, i) => ({
      label: signal?.labels?.[i] ?? `output ${i}`,
      stroke: colour(`series-${i}`),
      width: 1.8,
      points: { show: outputs.length < 40, size: 5 },
    }));
    const named = { labelFont: '12px system-ui', labelSize: 20 };
    const options = {
      width,
      height: 270,
      cursor: { y: false },
      legend: { show: false },
      scales: { x: { time: false } },
      axes: [
        axis({ size: 34, space: 90, values: (_, at) => at.map(timeText), label: rate ? 'time of the stream, min:s' : 'time of the stream, ticks', ...named }), // biome-ignore format: one line
        axis({ size: 48, ...(signal?.unit && { label: signal.unit, ...named }) }),
      ],
      series: [{}, ...series],
      hooks: { draw: [marks], setCursor: [({ cursor }) => read(cursor.idx ?? -1)] },
    };
    scores = { key, plot: new uPlot(options, data, $('plot')) };
    legendOf(series);
  }

  function legendOf(series) {
    $('legend').replaceChildren();
    if (series.length < 2) return;
    for (const { label, stroke } of series) {
      const swatch = element('span', { text: '■' });
      swatch.style.color = stroke;
      swatch.style.marginRight = '6px';
      $('legend').append(element('span', {}, swatch, label));
    }
  }

  /** Moves from output to output with the arrow keys. */
  function chooseOutput(event) {
    const last = outputs.length - 1;
    const now = scores?.plot?.cursor.idx ?? last + 1;
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const at = Math.min(last, Math.max(0, to));
    scores.plot.setCursor({ left: scores.plot.valToPos(timeOf(outputs[at]), 'x'), top: 10 });
    read(at);
  }

  $('plot').addEventListener('keydown', chooseOutput);
  return {
    /** @param all outputs of the stream, oldest first. @param about signal of its slot. */
    show(all, about, name) {
      [outputs, signal, stream] = [all, about, name];
      plotScores();
    },
  };
};
