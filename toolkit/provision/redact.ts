/** Takes secrets out of what leaves this machine: archives for support, evidence of drills. */

/** Names of which the value is a secret; `initial-cluster-token` is none. */
const secretName = String.raw`(?:[\w-]*(?:password|passwd|passphrase|secret)|authorization|(?:auth-|auth_|access_)?token)`;
const isSecretName = new RegExp(`^${secretName}$`, 'i');

/** As they are, inside a JSON string, and in HTML. */
const quote = String.raw`(?:\\*["']|&quot;|&#34;|&#39;)`;

/** A word begins here; `\n` in a JSON string is no part of it. */
const start = String.raw`(?:(?<![\w-])|(?<=\\[nrt]))`;

const named = new RegExp(
  String.raw`${start}(?<name>${secretName})(?<between>${quote}?\s*[:=]\s*)(?:` +
    [
      String.raw`"(?:\\.|[^"\\\n])*(?<end>")`,
      // Other quotes go to those of the same depth; what is cut off before them, to the end of its line or string.
      String.raw`(?<open>${quote})(?:[^\n]*?(?<!\\)(?<close>\k<open>)|[^\n"]*)`,
      String.raw`(?<bare>(?:[^\s"'<>\\[{]|\\[^\s"'])(?:[^\s"'<>\\]|\\[^\s"'])*)`,
    ].join('|') +
    ')',
  'gi',
);

/** All that follows belongs to it: the scheme, and what may be several words. */
const header = new RegExp(String.raw`${start}(authorization\s*[:=]\s*)(?![\s"'\\&])(?:[^\n"'<>\\]|\\[^"'nrt])+`, 'gi');

const privateKey = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(-----END \1-----|$)/g;
const bearer = /\b(Bearer\s+)[\w.~+/-]+=*/gi;
const jsonWebToken = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;

/**
 * Takes private keys whole and the values of whatever calls itself a secret out of a log, a page or a configuration.
 * Lines of JSON stay JSON.
 */
export function redact(text: string): string {
  return text
    .replace(privateKey, '[private key removed]')
    .replace(header, '$1[removed]')
    .replace(named, (...found) => {
      const { name, between, end, open = end, close = end, bare } = found.at(-1) as Record<string, string | undefined>;
      if (bare === undefined) return `${name}${between}${open}[removed]${close ?? ''}`;
      // A number and the like of JSON: how many keys lie under a prefix, for one.
      if (/^["'\\&]/.test(between as string) && /^(?:-?\d|true|false|null)/.test(bare)) return found[0] as string;
      return `${name}${between}[removed]${/[,;)}\]]*$/.exec(bare)?.[0]}`;
    })
    .replace(bearer, '$1[removed]')
    .replace(jsonWebToken, '[removed]');
}

/** @param name of the file that the text is for: what is JSON by its name stays JSON */
export function redactFile(name: string, text: string): string {
  if (!name.endsWith('.json')) return redact(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return redact(text);
  }
  let isClean = true;
  const clean = JSON.stringify(
    value,
    (key, inner: unknown) => {
      const without = withoutSecret(key, inner);
      isClean &&= without === inner;
      return without;
    },
    2,
  );
  return isClean ? text : `${clean}\n`;
}

function withoutSecret(name: string, value: unknown): unknown {
  const isSecret = isSecretName.test(name);
  if (typeof value === 'string') return isSecret ? '[removed]' : redact(value);
  if (isSecret && Array.isArray(value)) return value.length === 0 ? value : ['[removed]'];
  return value;
}
