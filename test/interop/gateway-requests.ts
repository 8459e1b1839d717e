/** Requests to the JSON gateway, in the order in which they are made: later ones see what earlier ones have done. */

export interface GatewayRequest {
  /** Below the server's URL. */
  readonly path: string;
  /** As it is sent: JSON, or what only looks like it. */
  readonly body: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const b64 = (text: string): string => Buffer.from(text).toString('base64');
const post = (path: string, ...bodies: (string | object)[]): GatewayRequest[] =>
  bodies.map((body) => ({ path: `/v3/${path}`, body: typeof body === 'string' ? body : JSON.stringify(body) }));

const [foo, bar, zebra] = [b64('foo'), b64('bar'), b64('zebra')];

const keyValue = [
  ...post('kv/put', { key: foo, value: bar }, { key: foo, value: zebra, prev_kv: true }, { key: foo, prevKv: true }),
  ...post('kv/put', { key: bar, value: b64('x'.repeat(1000)) }, { key: bar, lease: '999' }, { key: '' }, {}, ''),
  ...post('kv/put', { key: foo, ignore_value: true, value: bar }, { key: zebra, ignore_lease: true }),
  ...post('kv/range', { key: foo }, { key: b64('a'), range_end: b64('z') }, { key: 'AA==', rangeEnd: 'AA==' }),
  ...post('kv/range', { key: 'AA==', range_end: 'AA==', keys_only: true, sort_order: 'DESCEND', sort_target: 'MOD' }),
  ...post('kv/range', { key: 'AA==', range_end: 'AA==', count_only: true }, { key: foo, revision: '2' }),
  ...post('kv/range', { key: foo, revision: 100 }, { key: foo, serializable: true, limit: '1' }),
  ...post('kv/range', { key: 'AA==', range_end: 'AA==', limit: 1 }, { key: foo, unknown: { a: [1, 'b', null] } }),
  ...post('kv/deleterange', { key: b64('nothing') }, { key: bar, prev_kv: true }, { key: '' }),
  ...post('kv/txn', {
    compare: [{ target: 'CREATE', key: b64('new'), create_revision: '0' }],
    success: [{ request_put: { key: b64('new'), value: bar } }, { requestRange: { key: foo } }],
    failure: [{ request_range: { key: b64('new') } }],
  }),
  ...post('kv/txn', {
    compare: [{ result: 'GREATER', target: 'VERSION', key: foo, version: 1 }],
    success: [{ request_delete_range: { key: foo, prev_kv: true } }],
    failure: [{ request_txn: { success: [{ request_range: { key: b64('new') } }] } }],
  }),
  ...post('kv/txn', { success: [{}] }, {}, { compare: [{ key: foo, target: 'VALUE', value: '' }] }),
  ...post('kv/txn', {
    success: [{ request_put: { key: foo } }, { request_put: { key: foo } }],
  }),
  ...post('kv/compaction', { revision: '2' }, { revision: 2 }, { revision: '9223372036854775807' }, {}),
  ...post('kv/range', { key: foo, revision: '1' }),
];

const leases = [
  ...post('lease/grant', { TTL: '1000', ID: '77' }, { TTL: 1000, ID: -5 }, { ID: 77, TTL: 1 }),
  ...post('lease/grant', { TTL: '99999999999', ID: '78' }, { TTL: '1000', ID: '9223372036854775807' }),
  ...post('kv/put', { key: b64('leased'), lease: 77 }, { key: b64('leased'), lease: '77', value: bar }),
  ...post('lease/timetolive', { ID: '77', keys: true }, { ID: 123 }),
  ...post('kv/lease/timetolive', { ID: '77' }),
  ...post('lease/keepalive', { ID: 77 }, '{"ID":77}{"ID":"78"} \n {"ID":-5}', ''),
  ...post('lease/revoke', { ID: 77 }, { ID: 77 }),
  ...post('kv/lease/revoke', { ID: -5 }),
  ...post('lease/leases', {}),
  ...post('kv/lease/leases', ''),
];

const cluster = [
  ...post('cluster/member/list', {}, { linearizable: true }),
  ...post('cluster/member/promote', { ID: 1 }),
  ...post('cluster/member/remove', { ID: '1' }),
  ...post('cluster/member/update', { ID: '1', peerURLs: ['http://127.0.0.1:1'] }),
  ...post('cluster/member/add', { peerURLs: ['nope'] }, { peerURLs: 'nope' }, { peerURLs: [null] }, { peerURLs: [1] }),
  ...post('maintenance/alarm', {}, { action: 'GET', alarm: 'CORRUPT' }, { action: 1, memberID: '1', alarm: 1 }),
  ...post('maintenance/alarm', { action: 'GET' }, { action: 'DEACTIVATE', memberID: '1', alarm: 'NOSPACE' }),
  ...post('maintenance/defragment', {}),
  ...post('maintenance/hashkv', {}, { revision: '3' }),
  ...post('maintenance/transfer-leadership', { targetID: '9' }),
];

const notJson = [
  ...['{"key":"***"}', '{"key":1}', '{"key":true}', '{"key":[]}', '{"key":{}}', '{"key":null,"limit":null}', '{}'],
  ...['[]', '[1]', 'null', '"abc"', '12', '-', 'tru', 'trux', '1.', '1.x', '1ex', '-x', '}', ',', '{,', '{1}', 'x'],
  ...['{"key":"Zm9v"', '{"key":"Zm9v",}', '{"key" "a"}', '{"a":1 2}', '[1 2]', '{"a":tru', '"abc', '{"x":01}'],
  ...['{"x":"\\q"}', '{"x":"\\u12x4"}', '{"key":"Z\\u006d9v"}', '{"x":"\u0001"}', '{"x":"\n"}', "{'a':1}"],
  ...['{"key":"Zm9v"} {"key":"YQ=="}', '{"key":"Zm9v"} trailing', '   {"key":1}', '{\n "key":1}', '{\n"é":1,"key":1}'],
  ...['{"key":"Zm9v","key":"Zm9v"}', '{"range_end":"","rangeEnd":""}', '{"x":1,"x":2}', '{"":1}'],
];
const integers = ['1', '"1"', '1.0', '"1e0"', '100e-2', '1.5', '"abc"', '" 1"', '""', '1e2', '1e400', '-0', '0e999'];
const moreIntegers = ['"-1"', '9223372036854775807', '9223372036854775808', '"-9223372036854775809"', '"0x1"', '[1]'];
const bases = ['Zm9', 'Zm8', 'Zm8=', 'Zm8==', 'Zm9v==', 'Zm9v\\n', 'Zm-_', 'Zm+/', 'Zm+_', 'Z', '=', '====', ' '];
const enums = ['"NOPE"', '"descend"', '7', '1.5', '"1"', 'true', '99999999999', 'null', '-1'];
const booleans = ['1', '"true"', 'null', 'false'];
const field = (name: string, values: string[]): string[] => values.map((value) => `{"key":"Zm9v","${name}":${value}}`);

const translation = [
  ...post('kv/range', ...notJson),
  ...post('kv/range', ...field('limit', [...integers, ...moreIntegers]), ...field('serializable', booleans)),
  ...post(
    'kv/range',
    ...field('sort_order', enums),
    ...field(
      'range_end',
      bases.map((text) => `"${text}"`),
    ),
  ),
  ...post('kv/txn', '{"compare":{}}', '{"compare":[null]}', '{"compare":null}', '{"compare":[1]}', '{"success":[{}]}'),
  ...post('kv/txn', '{"compare":[{"key":"YQ==","createRevision":0,"version":1}]}'),
  ...post('kv/txn', '{"compare":[{"key":"YQ==","createRevision":null,"version":0}]}'),
  ...post('kv/txn', '{"success":[{"requestPut":{},"request_range":{}}]}', '{"compare":[{"target":"X"}]}'),
  ...post('kv/txn', '{"compare":[{"key":"YQ==","target":3,"value":""}]}', '{"compare":[{"key":"YQ==","lease":"0"}]}'),
];

const json = JSON.stringify({ key: foo });
const http: GatewayRequest[] = [
  { path: '/v3beta/kv/range', body: json },
  ...[
    '/v3/nope',
    '/v3/kv/range/',
    '/v3/',
    '/v3alpha/kv/range',
    '/v3betax/kv/range',
    '/v3/kv/range:x',
    '/v4/kv/range',
  ].map((path) => ({ path, body: json })),
  { path: '/v3/kv/%72ange', body: json },
  { path: '/v3/kv/range?key=YQ==&limit=x', body: json },
  ...['GET', 'HEAD', 'DELETE', 'OPTIONS'].map((method) => ({ path: '/v3/kv/range', body: '', method })),
  ...['PUT', 'PATCH'].map((method) => ({ path: '/v3/kv/range', body: json, method })),
  { path: '/v3/kv/range', body: json, headers: { 'grpc-timeout': '1n' } },
  { path: '/v3/kv/range', body: json, headers: { 'grpc-timeout': 'xx' } },
  { path: '/v3/lease/keepalive', body: '{"ID":1}', headers: { 'grpc-timeout': '1n' } },
  { path: '/v3/kv/range', body: json, headers: { 'grpc-metadata-hasleader': 'true', authorization: 'bogus' } },
  { path: '/v3/kv/range', body: json, headers: { 'content-type': 'text/plain', accept: 'text/html' } },
  { path: '/v3/maintenance/snapshot', body: 'x' },
  ...post('kv/put', { key: foo, value: b64('x'.repeat(1_700_000)) }, { key: foo, value: b64('x'.repeat(2_200_000)) }),
];

/** Everything that ends by itself. */
export const gatewayRequests: readonly GatewayRequest[] = [...keyValue, ...leases, ...cluster, ...translation, ...http];
