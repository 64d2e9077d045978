/**
 * The completion script for bash 4 and later.
 */
import { argumentWords, type Completed, quoted, writtenOptions } from './types.ts';

const names = (verb: Completed): string =>
  writtenOptions(verb.options)
    .map(({ long }) => `--${long}`)
    .join(' ');

/** Returns a case for each option with a list of values, and one for all options with other values. */
function values(verb: Completed): string[] {
  const options = writtenOptions(verb.options).filter(({ hint }) => hint);
  const spelt = ({ long, short }: { long: string; short?: string }) =>
    [`--${long}`, ...(short ? [`-${short}`] : [])].map((option) => `"${verb.name} ${option}"`).join(' | ');
  const plain = options.filter(({ words, path }) => !words && !path);
  return [
    ...options.flatMap((option) => (option.words ? [`    ${spelt(option)}) words=${quoted(option.words.join(' '))} ;;`] : [])),
    ...options.filter(({ path }) => path).map((option) => `    ${spelt(option)}) files=1 ;;`),
    ...(plain.length > 0 ? [`    ${plain.map(spelt).join(' | ')}) return ;;`] : []),
  ];
}

/** Returns the case for the values of the verb's argument. */
const argumentCase = ({ name, options }: Completed): string[] => {
  const words = argumentWords(options);
  return words ? [`      ${name}) words=${quoted(words.join(' '))} ;;`] : [];
};

export const bashScript = (verbs: readonly Completed[]): string => `# bash completion of runlet
_runlet() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" verb="\${COMP_WORDS[1]}"
  local words='' files=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ] || { [ "$verb" = help ] && [ "$COMP_CWORD" -eq 2 ]; }; then
    COMPREPLY=($(compgen -W ${quoted(['help', ...verbs.map(({ name }) => name)].join(' '))} -- "$current"))
    return
  fi
  case "$verb $before" in
${verbs.flatMap(values).join('\n')}
  esac
  if [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    return
  fi
  if [ -z "$files" ] && [ "\${current:0:1}" = - ]; then
    case "$verb" in
${verbs.map((verb) => `      ${verb.name}) words=${quoted(names(verb))} ;;`).join('\n')}
    esac
    COMPREPLY=($(compgen -W "$words --help" -- "$current"))
    return
  fi
  if [ -z "$files" ]; then
    case "$verb" in
${verbs.flatMap(argumentCase).join('\n')}
    esac
    if [ -n "$words" ]; then
      COMPREPLY=($(compgen -W "$words" -- "$current"))
      return
    fi
  fi
  COMPREPLY+=($(compgen -f -- "$current"))
}
complete -o filenames -F _runlet runlet
`;
