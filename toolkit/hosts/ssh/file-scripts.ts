/**
 * What is done with files on a host, as fixed scripts for `sh`: paths and everything else that varies are positional
 * parameters, never part of the text. Only what POSIX and coreutils have is used.
 */

/** Makes a directory and its missing parents: MODE OWNER PATH. */
export const makeDirectoryScript = `set -eu
mode=$1 owner=$2
make() {
  [ -d "$1" ] && return
  make "$(dirname -- "$1")"
  mkdir -m "$mode" -- "$1" && chown -- "$owner" "$1"
}
make "$3"`;

/** Of `putFileScript`. */
export const putExitCodes = { noDirectory: 68 } as const;

/**
 * Writes standard input to a file: PATH MODE OWNER SIZE SHA256. Nothing but the whole content can ever take the name:
 * a connection that is lost looks like the end of the input, so size and digest are compared first. \`gzip\` as the sixth
 * parameter says that the input is compressed; size and digest are those of the content.
 */
export const putFileScript = `set -eu
umask 077
directory=$(dirname -- "$1")
[ -d "$directory" ] || exit 68
temporary=$(mktemp -- "$directory/.etcdlab-XXXXXXXX")
trap 'rm -f -- "$temporary"' EXIT
trap 'exit 129' HUP
trap 'exit 143' TERM
if [ "\${6:-}" = gzip ]; then gzip -dc > "$temporary"; else cat > "$temporary"; fi
size=$(stat -c %s -- "$temporary")
[ "$size" = "$4" ] || { echo "only $size of $4 bytes arrived" >&2; exit 65; }
echo "$5  $temporary" | sha256sum -c --quiet --status || { echo "the content was changed on its way" >&2; exit 65; }
chown -- "$3" "$temporary"
chmod -- "$2" "$temporary"
sync -- "$temporary"
mv -fT -- "$temporary" "$1"
sync -- "$directory"`;

/** Says \`SIZE\` and then the content of a file, or \`none\`: PATH LIMIT. Says no content if the file is larger. */
export const getFileScript = `set -eu
[ -e "$1" ] || { echo none; exit 0; }
size=$(stat -L -c %s -- "$1")
echo "$size"
[ "$size" -gt "$2" ] || cat -- "$1"`;

/** Renames durably: FROM TO. Exit code 66: TO is there, 67: FROM is not. */
export const renameScript = `set -eu
[ ! -e "$2" ] && [ ! -L "$2" ] || exit 66
[ -e "$1" ] || [ -L "$1" ] || exit 67
mv -nT -- "$1" "$2"
[ ! -e "$1" ] || exit 66
sync -- "$(dirname -- "$2")"`;

/** Names in a directory, each ended by NUL; none if it is not there: PATH. */
export const listScript = `set -eu
[ -d "$1" ] || exit 0
find "$1" -mindepth 1 -maxdepth 1 -printf '%f\\0'`;
