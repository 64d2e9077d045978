/**
 * The completion script for fish.
 */
import { argumentWords, type Completed, type Written, writtenOptions } from './types.ts';

const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;

const value = ({ hint, words, path }: Written): string => {
  if (!hint) return '';
  if (words) return ` -x -a ${quoted(words.join(' '))}`;
  return path ? ' -r -F' : ' -x';
};

function lines(verb: Completed): string[] {
  const when = `complete -c runlet -n ${quoted(`__fish_seen_subcommand_from ${verb.name}`)}`;
  const words = argumentWords(verb.options);
  return [
    ...writtenOptions(verb.options).map(
      (option) =>
        `${when} -l ${option.long}${option.short ? ` -s ${option.short}` : ''}${value(option)} -d ${quoted(option.about)}`,
    ),
    ...(words ? [`${when} -f -a ${quoted(words.join(' '))}`] : []),
  ];
}

export const fishScript = (verbs: readonly Completed[]): string =>
  [
    '# fish completion of runlet',
    "complete -c runlet -n __fish_use_subcommand -f -a help -d 'Show the options and examples of a command'",
    ...verbs.map(({ name, about }) => `complete -c runlet -n __fish_use_subcommand -f -a ${name} -d ${quoted(about)}`),
    ...verbs.flatMap(lines),
    '',
  ].join('\n');
