/**
 * Answers on the page /label: a button and a key for each class, or a field for a value; "nothing of this"
 * and "not sure"; moves between windows.
 */
globalThis.windowAnswers = ({ $, element }, { answer, moves }) => {
  const classKeys = [...'123456789abcdefghijklmnopqrstuvwxyz'];
  /** Keys, and what they do: they are shown on buttons. */
  let byKey = new Map();
  let takesValues = false;

  function button(keys, text, run, about) {
    const node = element('button', { type: 'button', title: about }, text);
    if (keys[0]) node.append(' ', element('kbd', { text: keys[0].replace('Arrow', '').replace('Right', '→') }));
    node.addEventListener('click', run);
    for (const key of keys) byKey.set(key, run);
    return node;
  }

  /** Returns the names of the classes; none if the model gives values. */
  function namesOf({ labels, outputs }) {
    const [{ elements }] = outputs;
    return labels ?? Array.from({ length: elements > 1 ? elements : 0 }, (_, i) => `${i}`);
  }

  /** Shows the answers of a slot. @param signal of its bundle. */
  function show(signal) {
    byKey = new Map();
    const names = namesOf(signal);
    takesValues = names.length === 0;
    $('classes').hidden = takesValues;
    $('value-form').hidden = !takesValues;
    $('unit').textContent = signal.unit ? `in ${signal.unit}` : '';
    $('question').textContent = takesValues ? 'Which value is right?' : 'What is it?';
    $('classes').replaceChildren(...names.map((name, i) => button([classKeys[i]].filter(Boolean), name, () => answer(name))));
    $('unsure').replaceChildren(
      button(takesValues ? ['n'] : ['0'], 'Nothing of this', () => answer(false), 'The window shows none of these'),
      button(['?', takesValues ? 'u' : '-'], 'Not sure', () => answer(null), 'Counts as no vote'),
    );
    $('moves').replaceChildren(
      button(['Backspace'], 'Back', moves.back, 'Takes your last answer back'),
      button(['ArrowRight'], 'Skip', moves.skip, 'Shows another window first'),
      button(['Delete'], 'Delete window', moves.remove, 'Deletes this window from the gateway'),
    );
    $('moves').lastElementChild.id = 'remove';
  }

  $('value-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const text = $('value').value.trim().replace(',', '.');
    const value = text === '' ? Number.NaN : Number(text);
    $('value').setAttribute('aria-invalid', `${!Number.isFinite(value)}`);
    if (!Number.isFinite(value)) return;
    $('value').value = '';
    answer(value);
  });

  /** Handles a key, unless it belongs to the element that has the focus. */
  function press(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
    const field = target.matches?.('input:not([type="checkbox"]), select');
    const inValue = target.id === 'value' && !(/^(Backspace|Delete|ArrowRight)$/.test(key) && target.value !== '');
    if (field && !inValue) return;
    if (key === ' ' && $('play') && !target.matches?.('button, input')) {
      event.preventDefault();
      $('play').click();
    } else if (byKey.has(key)) {
      event.preventDefault();
      byKey.get(key)();
    } else if (takesValues && /^[-\d.,]$/.test(key)) $('value').focus();
  }
  document.addEventListener('keydown', (event) => $('keys').checked && !$('work').hidden && press(event));

  return { show, namesOf };
};
