/**
 * Scripts that complete a tool's command lines. All that can be completed stands in the script itself: no process is
 * started at each Tab.
 */
import type { CompletionEntry } from './entries.ts';

/** @param tool such as `etcdctl` */
export type ScriptWriter = (tool: string, entries: readonly CompletionEntry[]) => string;

/** For the POSIX-like shells: a word in single quotes. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const names = (entry: CompletionEntry): string => entry.commands.map(({ name }) => name).join(' ');
const flagNames = ({ flags }: CompletionEntry): string =>
  flags.map(({ name, takesValue }) => `--${name}${takesValue ? '=' : ''}`).join(' ');
const below = (entries: readonly CompletionEntry[]): string[] => entries.map(({ at }) => at).filter((at) => at !== '');

export const bashScript: ScriptWriter = (tool, entries) => `# bash completion for ${tool}
_${tool}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at= word commands= flags= i
  # Bash splits words at "=": what follows one is a value.
  [[ $cur == = || \${COMP_WORDS[COMP_CWORD-1]} == = ]] && return
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $at/$word in
      ${below(entries).join('|')}) at=$at/$word ;;
    esac
  done
  case $at in
${entries.map((entry) => `    ${quoted(entry.at)}) commands=${quoted(names(entry))} flags=${quoted(flagNames(entry))} ;;`).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
    [[ \${COMPREPLY-} == *= ]] && compopt -o nospace 2>/dev/null
  else
    COMPREPLY=($(compgen -W "$commands" -- "$cur"))
  fi
}
complete -o default -F _${tool} ${tool}
`;

export const zshScript: ScriptWriter = (tool, entries) => `#compdef ${tool}
_${tool}() {
  local at= word
  local -a commands flags
  for word in \${words[2,CURRENT-1]}; do
    case $at/$word in
      ${below(entries).join('|')}) at=$at/$word ;;
    esac
  done
  case $at in
${entries
  .map((entry) => {
    const commands = entry.commands.map(({ name, short }) => quoted(`${name}:${short}`)).join(' ');
    const flags = entry.flags.map(({ name, usage }) => quoted(`--${name}:${usage}`)).join(' ');
    return `    ${quoted(entry.at)}) commands=(${commands}) flags=(${flags}) ;;`;
  })
  .join('\n')}
  esac
  if [[ $PREFIX == -* ]]; then
    _describe -o flag flags
  elif (( $#commands )); then
    _describe command commands
  else
    _files
  fi
}
compdef _${tool} ${tool}
`;

export const fishScript: ScriptWriter = (tool, entries) => `# fish completion for ${tool}
function __${tool}_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    switch "$at/$word"
      case ${below(entries).map(quoted).join(' ')}
        set at "$at/$word"
    end
  end
  echo "$at"
end
${entries
  .flatMap(({ at, commands, flags }) => {
    const start = `complete -c ${tool} -n ${quoted(`test (__${tool}_at) = "${at}"`)}`;
    return [
      ...commands.map(({ name, short }) => `${start} -f -a ${quoted(name)} -d ${quoted(short)}`),
      ...flags.map(({ name, usage, takesValue }) => {
        return `${start} -l ${quoted(name)}${takesValue ? ' -r' : ''} -d ${quoted(usage)}`;
      }),
    ];
  })
  .join('\n')}
`;

export const powershellScript: ScriptWriter = (tool, entries) => {
  const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  const rows = entries.map(({ at, commands, flags }) => {
    const words = [
      ...commands.map(({ name, short }) => [name, short]),
      ...flags.map(({ name, usage }) => [`--${name}`, usage]),
    ];
    const list = words.map(([word = '', about = '']) => `@(${literal(word)}, ${literal(about)})`).join(', ');
    return `    ${literal(at)} = @(${list})`;
  });
  return `# powershell completion for ${tool}
Register-ArgumentCompleter -Native -CommandName ${literal(tool)} -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @{
${rows.join('\n')}
  }
  $at = ''
  foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
    if ($element.Extent.EndOffset -ge $cursorPosition) { break }
    if ($words.ContainsKey("$at/$element")) { $at = "$at/$element" }
  }
  $words[$at] | Where-Object { $_[0].StartsWith($wordToComplete) -and ($wordToComplete -or -not $_[0].StartsWith('-')) } |
    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $_[1]) }
}
`;
};
