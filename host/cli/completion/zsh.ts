/**
 * The completion script for zsh.
 */
import { argumentWords, type Completed, quoted, type Written, writtenOptions } from './types.ts';

/** Escapes the characters that have a meaning in a description: `[`, `]`, `:` and `\`. */
const plain = (text: string): string => text.replace(/[[\]:\\]/g, '\\$&');

const value = ({ hint, words, path }: Written): string => {
  if (!hint) return '';
  return `:${plain(hint)}:${words ? `(${words.join(' ')})` : path ? '_files' : ''}`;
};

function specs(verb: Completed): string[] {
  const options = writtenOptions(verb.options).flatMap((option) => [
    quoted(`--${option.long}[${plain(option.about)}]${value(option)}`),
    ...(option.short ? [quoted(`-${option.short}[${plain(option.about)}]${value(option)}`)] : []),
  ]);
  const words = argumentWords(verb.options);
  return [...options, quoted(words ? `*:value:(${words.join(' ')})` : '*:file:_files')];
}

export const zshScript = (verbs: readonly Completed[]): string => `#compdef runlet
_runlet() {
  local -a verbs
  verbs=(
    'help:Show the options and examples of a command'
${verbs.map(({ name, about }) => `    ${quoted(`${name}:${about.replaceAll(':', '\\:')}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )) || [[ $words[2] == help ]]; then
    _describe command verbs
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
${verbs.map((verb) => `    ${verb.name})\n      _arguments \\\n        ${specs(verb).join(' \\\n        ')}\n      ;;`).join('\n')}
  esac
}
if [[ $funcstack[1] == _runlet ]]; then _runlet "$@"; else compdef _runlet runlet; fi
`;
