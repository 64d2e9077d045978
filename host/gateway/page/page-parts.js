/**
 * Shared by the gateway's pages: elements, numbers, colours, axes of plots, and requests with the token. The
 * token is read from the link that the gateway prints, or asked for, and kept for the tab only.
 */
globalThis.pageParts = (() => {
  const $ = (id) => document.getElementById(id);
  const number = (x, digits = 1) =>
    x === undefined
      ? '–'
      : Number(x).toLocaleString('en', { maximumFractionDigits: Math.abs(x) >= 100 ? 0 : digits, signDisplay: 'negative' });
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const element = (tag, { text, ...attributes } = {}, ...children) => {
    const node = document.createElement(tag);
    if (text !== undefined) node.textContent = text;
    for (const [name, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const axis = (extra) => ({
    stroke: () => colour('soft'),
    font: '12px system-ui',
    grid: { stroke: () => colour('line'), width: 1 },
    ticks: { show: false },
    ...extra,
  });

  const tokenKey = 'runlet-token';
  // the gateway prints a link with its token, which is removed from the address immediately
  const linked = /^#token=(\S{16,})$/.exec(location.hash)?.[1];
  if (linked) {
    sessionStorage.setItem(tokenKey, linked);
    history.replaceState(null, '', location.pathname + location.search);
  }
  let token = sessionStorage.getItem(tokenKey) ?? '';

  function wantToken() {
    $('ask').hidden = false;
    $('state').textContent = token ? 'wrong token' : 'locked';
    token = '';
    sessionStorage.removeItem(tokenKey);
  }

  /** Sends a request. Without a valid token it shows the form and returns undefined. */
  async function request(path, { headers, ...options } = {}) {
    const bearer = token ? { Authorization: `Bearer ${token}` } : {};
    const answer = await fetch(path, { ...options, headers: { ...bearer, ...headers } });
    if (answer.status === 401) return wantToken();
    $('ask').hidden = true;
    return answer;
  }

  /** Calls `done` after a token was entered. */
  const onToken = (done) =>
    $('ask').addEventListener('submit', (event) => {
      event.preventDefault();
      token = $('token').value.trim();
      sessionStorage.setItem(tokenKey, token);
      done();
    });

  return { $, number, colour, element, axis, request, onToken, waits: () => !$('ask').hidden && !token };
})();
