/**
 * Members as JSON, byte for byte as Go's encoding/json writes them: in the `members` bucket, in the context of a
 * ConfChange, in the peer port's answers (contract: disk-and-peer §2.2, §5, §8).
 *
 * Ids are decimal numbers beyond 2^53, so neither JSON.parse nor JSON.stringify may see them as numbers.
 */
import { goJson } from '../base/go-json.ts';
import { idFromDecimal } from './ids.ts';

/** One member of the cluster. A member that never started has neither a name nor client URLs. */
export interface Member {
  id: bigint;
  peerURLs: string[];
  isLearner: boolean;
  name: string;
  clientURLs: string[];
}

/** What a ConfChange that adds, promotes or updates a member says about it. */
export interface ConfChangeContext {
  member: Member;
  /** The change makes a voter of the learner `member.id` and says nothing else about it. */
  isPromote: boolean;
}

/** Thrown when bytes are not the JSON of a member. */
export class MemberJsonError extends Error {
  override readonly name = 'MemberJsonError';
}

/** A member with nothing but what is given. */
export function newMember(fields: Partial<Member> & { id: bigint }): Member {
  return { peerURLs: [], isLearner: false, name: '', clientURLs: [], ...fields };
}

/** The JSON of one member, such as `{"id":6358895989969120597,"peerURLs":["http://127.0.0.1:2380"],"name":"m2"}`. */
export function encodeMember(member: Member): string {
  return encodeContext({ member, isPromote: false });
}

/** The JSON array of the peer port's `/members`. */
export function encodeMembers(members: readonly Member[]): string {
  return `[${members.map(encodeMember).join(',')}]`;
}

/** The JSON that a ConfChange carries. Empty fields are left out, but for `id` and `peerURLs`. */
export function encodeContext({ member, isPromote }: ConfChangeContext): string {
  const fields = [`"id":${member.id}`, `"peerURLs":${member.peerURLs.length > 0 ? goJson(member.peerURLs) : 'null'}`];
  if (member.isLearner) fields.push('"isLearner":true');
  if (member.name !== '') fields.push(`"name":${goJson(member.name)}`);
  if (member.clientURLs.length > 0) fields.push(`"clientURLs":${goJson(member.clientURLs)}`);
  if (isPromote) fields.push('"isPromote":true');
  return `{${fields.join(',')}}`;
}

/** @throws MemberJsonError when `json` is not one member */
export function decodeMember(json: string | Uint8Array): Member {
  return decodeContext(json).member;
}

/** @throws MemberJsonError when `json` is not an array of members */
export function decodeMembers(json: string | Uint8Array): Member[] {
  const value = parse(json);
  if (!Array.isArray(value)) throw new MemberJsonError('member list: expected a JSON array');
  return value.map((item) => contextFrom(item).member);
}

/** @throws MemberJsonError when `json` is not what `encodeContext` writes */
export function decodeContext(json: string | Uint8Array): ConfChangeContext {
  return contextFrom(parse(json));
}

/**
 * What a member publishes about itself, in the form of the v2 store (contract: disk-and-peer §2.4).
 *
 * @throws MemberJsonError when `json` is not an object with a name and client URLs
 */
export function decodeAttributes(json: string): Pick<Member, 'name' | 'clientURLs'> {
  const value = parse(json);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MemberJsonError('member attributes: expected a JSON object');
  }
  const fields = value as Record<string, unknown>;
  return { name: text(fields, 'name'), clientURLs: strings(fields, 'clientURLs') };
}

function contextFrom(value: unknown): ConfChangeContext {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MemberJsonError('member: expected a JSON object');
  }
  const fields = value as Record<string, unknown>;
  if (typeof fields.id !== 'bigint') throw new MemberJsonError('member: "id" is not an unsigned 64-bit number');
  return {
    member: {
      id: fields.id,
      peerURLs: strings(fields, 'peerURLs'),
      isLearner: flag(fields, 'isLearner'),
      name: text(fields, 'name'),
      clientURLs: strings(fields, 'clientURLs'),
    },
    isPromote: flag(fields, 'isPromote'),
  };
}

function strings(fields: Record<string, unknown>, key: string): string[] {
  const value = fields[key] ?? [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    throw new MemberJsonError(`member: "${key}" is not an array of strings`);
  }
  return value;
}

function text(fields: Record<string, unknown>, key: string): string {
  const value = fields[key] ?? '';
  if (typeof value !== 'string') throw new MemberJsonError(`member: "${key}" is not a string`);
  return value;
}

function flag(fields: Record<string, unknown>, key: string): boolean {
  const value = fields[key] ?? false;
  if (typeof value !== 'boolean') throw new MemberJsonError(`member: "${key}" is not true or false`);
  return value;
}

/** JSON.parse with each `id` read exactly, from the digits of the source. */
function parse(json: string | Uint8Array): unknown {
  const source = typeof json === 'string' ? json : Buffer.from(json).toString('utf8');
  try {
    return JSON.parse(source, (key: string, value: unknown, context?: { source?: string }) =>
      key === 'id' && typeof value === 'number' ? idFromDecimal(context?.source ?? '') : value,
    );
  } catch (error) {
    throw new MemberJsonError(`member: ${(error as Error).message}`, { cause: error });
  }
}
