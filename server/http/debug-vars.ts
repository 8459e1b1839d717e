/** `/debug/vars`: the process and its part in raft, as Go's expvar gives them (contract: api.md §4.2). */
import { getHeapStatistics } from 'node:v8';
import { fileDescriptorLimit } from '../base/file-descriptors.ts';
import { idToHex } from '../membership/mod.ts';
import type { Status } from '../raft/mod.ts';
import type { HttpResponse } from './exchange.ts';

const raftStates: Record<Status['state'], string> = {
  follower: 'StateFollower',
  'pre-candidate': 'StatePreCandidate',
  candidate: 'StateCandidate',
  leader: 'StateLeader',
};
const progressStates = { probe: 'StateProbe', replicate: 'StateReplicate', snapshot: 'StateSnapshot' } as const;

/** @param raft where this member stands in raft now */
export function debugVars(raft: Status): HttpResponse {
  const variables = {
    cmdline: [process.execPath, ...process.argv.slice(2)],
    ...fileDescriptors(),
    memstats: memory(),
    'raft.status': raftStatus(raft),
  };
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: `${JSON.stringify(variables, undefined, 1)}\n`,
  };
}

/** Only Linux tells; elsewhere the variable is not there. */
function fileDescriptors(): { file_descriptor_limit?: number } {
  try {
    return { file_descriptor_limit: fileDescriptorLimit() };
  } catch {
    return {};
  }
}

/** Of Go's fields those that mean the same here, in bytes. */
function memory(): Record<string, number> {
  const { used_heap_size: used, total_heap_size: heap } = getHeapStatistics();
  return { Alloc: used, HeapAlloc: used, HeapSys: heap, Sys: process.memoryUsage.rss() };
}

function raftStatus({ id, term, vote, commit, lead, state, applied, progress, leadTransferee }: Status): unknown {
  const peers = [...progress].map(([peer, { match, next, state: peerState }]) => [
    idToHex(peer),
    { match, next, state: progressStates[peerState] },
  ]);
  return {
    ...{ id: idToHex(id), term, vote: idToHex(vote), commit, lead: idToHex(lead), raftState: raftStates[state] },
    ...{ applied, progress: Object.fromEntries(peers), leadtransferee: idToHex(leadTransferee) },
  };
}
