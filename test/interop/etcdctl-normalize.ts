/** Makes the output of two etcdctls comparable that talk to two clusters with the same history. */
import type { TestCluster } from '../support/test-cluster.ts';

/** Ids, ports, folders, times and raft's positions differ between two clusters; so do the words of the help. */
export function normalized({ directory, members }: TestCluster, text: string): string {
  let same = text.replaceAll(directory, 'DIR');
  for (const { clientUrl, peerUrl } of members) {
    same = same.replaceAll(new URL(clientUrl).host, 'CLIENT').replaceAll(new URL(peerUrl).host, 'PEER');
  }
  same = same
    .replaceAll(
      /("(?:cluster_id|member_id|leader|ID)":|"(?:ClusterID|MemberID|Leader|ID)" : |ID:)"?(?!0$)[0-9a-f]+"?/gm,
      '$1ID',
    )
    .replaceAll(/^(\S+, )?[0-9a-f]{13,16}(?=,)/gm, '$1ID')
    .replaceAll(/│ +[0-9a-f]{13,16} │/g, '│ ID │')
    .replaceAll(/^lease (?!0{8})[0-9a-f]{16}(?= granted)/gm, 'lease ID')
    .replaceAll(/(remaining\(|"ttl":|"TTL" : )[1-9]\d+/g, '$1SECONDS')
    .replaceAll(/[\d.]+(?:ms|µs)/g, 'TIME')
    .replaceAll(/("dbSize(?:InUse)?":|"DBSize" : )\d+/g, '$1SIZE')
    .replaceAll(/("raft(?:Index|AppliedIndex)":|"Raft(?:Applied)?Index" : )\d+/g, '$1N')
    .replaceAll(/\d+ kB(, true, false, \d+), \d+, \d+/g, 'SIZE$1, N, N')
    .replaceAll(/\d+ kB( │ +true │ +false │ +\d+ │) +\d+ │ +\d+ │/g, 'SIZE$1 N │ N │')
    .replaceAll(/"hash":\d+|"Hash" : \d+|^[0-9a-f]{7,8}, /gm, 'HASH ')
    .replaceAll(/^(CLIENT|http:..CLIENT), \d+$/gm, '$1, HASH')
    .replaceAll(/[─]+/g, '─')
    .replaceAll(/│ +/g, '│ ')
    .replaceAll(/ +│/g, ' │')
    .replaceAll(/^│ (?:CLIENT|http:..CLIENT) │ \d+ │$/gm, '│ CLIENT │ HASH │')
    .replaceAll(/^│ [0-9a-f]{7,8} │/gm, '│ HASH │');
  return same.includes('OPTIONS:') ? outline(same) : same;
}

/** The structure of a help text: headings, usage line, flags. The explanations are ours. */
function outline(help: string): string {
  return help
    .replace(/DESCRIPTION:\n(?:\t.*\n)+\n/, '')
    .replace(/COMMANDS:\n(?:\t.*\n)+/, 'COMMANDS\n')
    .replaceAll(/^(\t.*) - .*$/gm, '$1')
    .replace('put [options] <key> <value> (<value> can also be given from stdin)', 'put [options] <key> [value]')
    .replaceAll(/(?<=^ +-.*)\t+.*$/gm, '');
}

/** A response in protobuf, in hex, without the two ids that its header begins with. */
export function withoutIds(bytes: Buffer): string {
  const [header, clusterId] = [0x0a, 0x08];
  // Of leases upstream prints the header alone.
  const start = bytes[0] === header ? 2 : 0;
  if (bytes[start] !== clusterId) return bytes.toString('hex');
  let at = start;
  for (let id = 0; id < 2; id++) {
    at++;
    while ((bytes[at++] as number) >= 0x80);
  }
  return bytes.toString('hex', at);
}
