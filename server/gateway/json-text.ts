/**
 * JSON as a tree that remembers where in the text everything stood, with numbers as they were written. `JSON.parse`
 * would lose the digits of 64-bit ids, the second of two equal names, and the place of a mistake. What is not JSON is
 * refused in the words of Go's `encoding/json`, which clients of the gateway have in their logs.
 */

/** The text is not JSON; `cutOff` when it ended too early. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
  readonly cutOff: boolean;

  constructor(message: string, cutOff = false) {
    super(message);
    this.cutOff = cutOff;
  }
}

interface Place {
  /** Index of the first character in the text. */
  readonly at: number;
  /** The text of a scalar, and the bracket that opens an object or array: how messages name it. */
  readonly raw: string;
}

export interface JsonString extends Place {
  readonly kind: 'string';
  readonly value: string;
}
export interface JsonNumber extends Place {
  readonly kind: 'number';
}
export interface JsonLiteral extends Place {
  readonly kind: 'true' | 'false' | 'null';
}
export interface JsonObject extends Place {
  readonly kind: 'object';
  /** In the order of the text; a name may come twice. */
  readonly entries: readonly { readonly name: JsonString; readonly value: JsonNode }[];
}
export interface JsonArray extends Place {
  readonly kind: 'array';
  readonly items: readonly JsonNode[];
}
export type JsonNode = JsonString | JsonNumber | JsonLiteral | JsonObject | JsonArray;

/** Deeper than any request that means something, and far from the end of the stack. */
const maxDepth = 500;

/**
 * Reads one value and ignores what follows it.
 *
 * @throws JsonError for text that does not begin with a JSON value, or nests too deeply
 */
export function parseJson(text: string): JsonNode {
  return new Parser(text).value(0, 'looking for beginning of value');
}

class Parser {
  private readonly text: string;
  private pos = 0;

  constructor(text: string) {
    this.text = text;
  }

  value(depth: number, context: string): JsonNode {
    if (depth > maxDepth) throw new JsonError('exceeded max depth');
    this.skipSpace();
    const char = this.peek();
    if (char === '{') return this.object(depth);
    if (char === '[') return this.array(depth);
    if (char === '"') return this.string();
    if (char === '-' || isDigit(char)) return this.number();
    if (char === 't') return this.literal('true');
    if (char === 'f') return this.literal('false');
    if (char === 'n') return this.literal('null');
    throw this.invalid(char, context);
  }

  private object(depth: number): JsonObject {
    const at = this.pos++;
    const entries: { name: JsonString; value: JsonNode }[] = [];
    this.skipSpace();
    if (this.peek() === '}') {
      this.pos++;
      return { kind: 'object', at, raw: '{', entries };
    }
    for (;;) {
      this.skipSpace();
      const quote = this.peek();
      if (quote !== '"') throw this.invalid(quote, 'looking for beginning of object key string');
      const name = this.string();
      this.skipSpace();
      this.expect([':'], 'after object key');
      entries.push({ name, value: this.value(depth + 1, 'looking for beginning of value') });
      this.skipSpace();
      if (this.expect([',', '}'], 'after object key:value pair') === '}') break;
    }
    return { kind: 'object', at, raw: '{', entries };
  }

  private array(depth: number): JsonArray {
    const at = this.pos++;
    const items: JsonNode[] = [];
    this.skipSpace();
    if (this.peek() === ']') {
      this.pos++;
      return { kind: 'array', at, raw: '[', items };
    }
    do {
      items.push(this.value(depth + 1, 'looking for beginning of value'));
      this.skipSpace();
    } while (this.expect([',', ']'], 'after array element') === ',');
    return { kind: 'array', at, raw: '[', items };
  }

  private string(): JsonString {
    const at = this.pos++;
    let value = '';
    for (;;) {
      // The common run of ordinary characters in one go.
      stringRun.lastIndex = this.pos;
      const run = stringRun.exec(this.text)?.[0] ?? '';
      value += run;
      this.pos += run.length;
      const char = this.peek();
      if (char === '"') break;
      if (char !== '\\') throw this.invalid(char, 'in string literal');
      this.pos++;
      value += this.escape();
    }
    this.pos++;
    return { kind: 'string', at, raw: this.text.slice(at, this.pos), value };
  }

  private escape(): string {
    const char = this.peek();
    const plain = escapes[char];
    if (plain !== undefined) {
      this.pos++;
      return plain;
    }
    if (char !== 'u') throw this.invalid(char, 'in string escape code');
    this.pos++;
    const start = this.pos;
    for (; this.pos < start + 4; this.pos++) {
      const digit = this.peek();
      if (!/[0-9a-fA-F]/.test(digit)) throw this.invalid(digit, 'in \\u hexadecimal character escape');
    }
    return String.fromCharCode(Number.parseInt(this.text.slice(start, this.pos), 16));
  }

  private number(): JsonNumber {
    const at = this.pos;
    if (this.text[this.pos] === '-') this.pos++;
    if (this.text[this.pos] === '0') this.pos++;
    else this.digits('in numeric literal');
    if (this.text[this.pos] === '.') {
      this.pos++;
      this.digits('after decimal point in numeric literal');
    }
    if (this.text[this.pos] === 'e' || this.text[this.pos] === 'E') {
      this.pos++;
      if (this.text[this.pos] === '+' || this.text[this.pos] === '-') this.pos++;
      this.digits('in exponent of numeric literal');
    }
    return { kind: 'number', at, raw: this.text.slice(at, this.pos) };
  }

  /** At least one. */
  private digits(context: string): void {
    const first = this.peek();
    if (!isDigit(first)) throw this.invalid(first, context);
    while (isDigit(this.text[this.pos] ?? '')) this.pos++;
  }

  private literal(word: 'true' | 'false' | 'null'): JsonLiteral {
    const at = this.pos;
    for (const expected of word) {
      const char = this.peek();
      if (char !== expected) throw this.invalid(char, `in literal ${word} (expecting '${expected}')`);
      this.pos++;
    }
    return { kind: word, at, raw: word };
  }

  private expect(wanted: readonly string[], context: string): string {
    const char = this.peek();
    if (!wanted.includes(char)) throw this.invalid(char, context);
    this.pos++;
    return char;
  }

  /** @throws JsonError at the end of the text */
  private peek(): string {
    const char = this.text[this.pos];
    if (char === undefined) throw new JsonError('unexpected EOF', true);
    return char;
  }

  private skipSpace(): void {
    space.lastIndex = this.pos;
    space.exec(this.text);
    this.pos = space.lastIndex;
  }

  private invalid(char: string, context: string): JsonError {
    return new JsonError(`invalid character ${quoteChar(char)} ${context}`);
  }
}

const space = /[ \t\r\n]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what JSON does not allow in a string
const stringRun = /[^"\\\x00-\x1f]*/y;
const escapes: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

function isDigit(char: string): boolean {
  return char >= '0' && char <= '9';
}

/** A character as Go's strconv quotes it. */
function quoteChar(char: string): string {
  if (char === "'") return `'\\''`;
  if (char === '"') return `'"'`;
  const short: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };
  const code = char.charCodeAt(0);
  return `'${short[char] ?? (code < 0x20 || code === 0x7f ? `\\x${code.toString(16).padStart(2, '0')}` : char)}'`;
}

/** `line 1:8`, counted from 1 in characters, as messages name a place. */
export function placeOf(text: string, at: number): string {
  let line = 1;
  let column = 1;
  for (let i = 0; i < at; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x0a) {
      line++;
      column = 1;
    } else if (code < 0xdc00 || code > 0xdfff) {
      // The second half of a surrogate pair is no character of its own.
      column++;
    }
  }
  return `line ${line}:${column}`;
}
