/**
 * Browser script of a sweep's page: shows a line and the numbers at the pointer. The page includes it as is.
 */
(() => {
  const rows = JSON.parse(document.getElementById('sweep').textContent);
  const tip = document.querySelector('.tip');
  for (const svg of document.querySelectorAll('svg.sweep')) {
    const here = svg.querySelector('.here');
    const { left, right, most: maxValue } = svg.dataset;
    const width = svg.viewBox.baseVal.width;
    /** Index of the row that is shown. */
    let at;
    svg.setAttribute('tabindex', '0');
    svg.setAttribute('role', 'group');
    svg.setAttribute('aria-label', 'Costs. Left and right select a column, Escape clears it.');
    /** Shows the numbers of row `n`, `y` pixels below the top of the figure. */
    const show = (n, y) => {
      const row = rows[n];
      at = n;
      const box = svg.getBoundingClientRect();
      const scale = box.width / width;
      const x = Number(left) + ((width - left - right) * row.at) / maxValue;
      here.setAttribute('transform', `translate(${x} 0)`);
      here.setAttribute('visibility', 'visible');
      tip.replaceChildren(
        ...[row.text, ...row.values].map((line) => {
          const div = document.createElement('div');
          div.textContent = line;
          return div;
        }),
      );
      tip.hidden = false;
      const flip = x * scale + tip.offsetWidth + 14 > box.width;
      const tipX = flip ? Math.max(0, x * scale - tip.offsetWidth - 10) : x * scale + 10;
      tip.style.transform = `translate(${tipX}px, ${Math.max(0, y)}px)`;
    };
    const point = (event) => {
      const box = svg.getBoundingClientRect();
      const value = ((((event.clientX - box.left) / box.width) * width - left) / (width - left - right)) * maxValue;
      const nearest = rows.reduce((best, r, n) => (Math.abs(r.at - value) < Math.abs(rows[best].at - value) ? n : best), 0);
      show(nearest, event.clientY - box.top - 30);
    };
    const hide = () => {
      here.setAttribute('visibility', 'hidden');
      tip.hidden = true;
      at = undefined;
    };
    const choose = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'Escape') return hide();
      const last = rows.length - 1;
      const to = { ArrowLeft: (at ?? 1) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      show(Math.min(last, Math.max(0, to)), 40);
    };
    svg.addEventListener('pointermove', point);
    svg.addEventListener('pointerdown', point);
    svg.addEventListener('pointerleave', hide);
    svg.addEventListener('keydown', choose);
    svg.addEventListener('blur', hide);
  }
})();
