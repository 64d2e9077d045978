/**
 * The script of a sweep's page: a line and the numbers at the pointer. Runs in the browser as it stands.
 */
(() => {
  const rows = JSON.parse(document.getElementById('sweep').textContent);
  const tip = document.querySelector('.tip');
  for (const svg of document.querySelectorAll('svg.sweep')) {
    const here = svg.querySelector('.here');
    const { left, right, most } = svg.dataset;
    const width = svg.viewBox.baseVal.width;
    const show = (event) => {
      const box = svg.getBoundingClientRect();
      const scale = box.width / width;
      const inner = width - left - right;
      const value = (((event.clientX - box.left) / scale - left) / inner) * most;
      const row = rows.reduce((best, r) => (Math.abs(r.at - value) < Math.abs(best.at - value) ? r : best));
      const x = Number(left) + (inner * row.at) / most;
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
      const at = flip ? Math.max(0, x * scale - tip.offsetWidth - 10) : x * scale + 10;
      tip.style.transform = `translate(${at}px, ${Math.max(0, event.clientY - box.top - 30)}px)`;
    };
    const hide = () => {
      here.setAttribute('visibility', 'hidden');
      tip.hidden = true;
    };
    svg.addEventListener('pointermove', show);
    svg.addEventListener('pointerdown', show);
    svg.addEventListener('pointerleave', hide);
  }
})();
