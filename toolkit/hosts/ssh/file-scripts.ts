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

/** Of `putFileScript` and `putFilesScript`. */
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

/**
 * Writes standard input, the contents of files of one directory one after the other: PATH MODE OWNER SIZE SHA256 for
 * each. All are staged in a folder beside them before the first takes its name.
 */
export const putFilesScript = `set -eu
umask 077
directory=$(dirname -- "$1")
[ -d "$directory" ] || exit 68
staged=$(mktemp -d -- "$directory/.etcdlab-XXXXXXXX")
trap 'rm -rf -- "$staged"' EXIT
trap 'exit 129' HUP
trap 'exit 143' TERM
cat > "$staged/all"
stage() {
  number=0 offset=1
  while [ $# -gt 0 ]; do
    number=$((number + 1))
    tail -c "+$offset" -- "$staged/all" | head -c "$4" > "$staged/$number"
    echo "$5  $staged/$number" | sha256sum -c --quiet --status || { echo "$1 did not arrive whole" >&2; exit 65; }
    chown -- "$3" "$staged/$number"
    chmod -- "$2" "$staged/$number"
    sync -- "$staged/$number"
    offset=$((offset + $4))
    shift 5
  done
}
place() {
  number=0
  while [ $# -gt 0 ]; do
    number=$((number + 1))
    mv -fT -- "$staged/$number" "$1"
    shift 5
  done
}
stage "$@"
place "$@"
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
