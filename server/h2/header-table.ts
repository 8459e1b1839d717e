/** HPACK's two tables: what both sides know from the start, and what they have remembered (RFC 7541 §2.3). */

export interface HeaderField {
  /** In lower case, as it is on the wire. */
  readonly name: string;
  /** One character a byte. */
  readonly value: string;
}

const staticText = `:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`;

/** RFC 7541 appendix A; the first has index 1. */
export const staticTable: readonly HeaderField[] = staticText.split('\n').map((line) => {
  const [name = '', ...value] = line.split(' ');
  return { name, value: value.join(' ') };
});

/** What an entry counts besides its text (RFC 7541 §4.1). */
const entryOverheadBytes = 32;

export function fieldSize({ name, value }: HeaderField): number {
  return name.length + value.length + entryOverheadBytes;
}

/** The newest fields of a direction of a connection, as many as fit. */
export class DynamicTable {
  /** Oldest first. */
  private readonly entries: HeaderField[] = [];
  private sizeBytes = 0;
  private limitBytes: number;
  /** Fields that were ever added, so that each has a number of its own that does not move. */
  private added = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get length(): number {
    return this.entries.length;
  }

  get addedCount(): number {
    return this.added;
  }

  get limit(): number {
    return this.limitBytes;
  }

  /** @param age 0 is the newest */
  at(age: number): HeaderField | undefined {
    return this.entries[this.entries.length - 1 - age];
  }

  /** A field larger than the whole table empties it (RFC 7541 §4.4). */
  add(field: HeaderField): void {
    this.added++;
    this.sizeBytes += fieldSize(field);
    this.entries.push(field);
    this.evict();
  }

  resize(limitBytes: number): void {
    this.limitBytes = limitBytes;
    this.evict();
  }

  private evict(): void {
    while (this.sizeBytes > this.limitBytes) this.sizeBytes -= fieldSize(this.entries.shift() as HeaderField);
  }
}
