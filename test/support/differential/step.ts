/** One request of a sequence that goes to both engines. */
import type { MethodDefinition } from '../../../server/proto/wire.ts';

/** What a step may refer to, so that a sequence still makes sense when a part of it is left out. */
export interface Revisions {
  readonly current: number;
  /** 0: never compacted. */
  readonly compacted: number;
}

export interface Step {
  readonly method: MethodDefinition<unknown, unknown>;
  /** Whose token goes with it; undefined: none does. */
  readonly as: string | undefined;
  readonly request: (revisions: Revisions) => unknown;
}

/** A field of a message that is made when its turn has come. */
export type Later<T> = (revisions: Revisions) => T;

export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

/** @param fields those of the message that are not what a new message has */
export function step<Q>(
  method: MethodDefinition<Q, unknown>,
  fields: Partial<Q> | Later<Partial<Q>>,
  as?: string | undefined,
): Step {
  const later = typeof fields === 'function' ? fields : () => fields;
  return {
    method: method as MethodDefinition<unknown, unknown>,
    as,
    request: (revisions) => method.request.create(later(revisions)),
  };
}

/** One line: who asks for what, without the fields that are as in a new message. */
export function describeRequest({ method, as }: Step, request: unknown): string {
  return `${as ?? '-'} ${method.path.replace(/^.*\.(?=\w+\/)/, '')} ${printed(request)}`;
}

/** Short JSON: bytes as text, and no field that is zero, empty or not there. */
export function printed(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === 'bigint') return each === 0n ? undefined : String(each);
    if (each === 0 || each === false || each === '' || (Array.isArray(each) && each.length === 0)) return undefined;
    if (!isPrintedBuffer(each)) return each;
    return each.data.length === 0 ? undefined : abbreviated(Buffer.from(each.data).toString('latin1'));
  });
}

/** Buffers turn into this before they come here. */
function isPrintedBuffer(value: unknown): value is { type: 'Buffer'; data: number[] } {
  return typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'Buffer';
}

function abbreviated(text: string): string {
  return text.length > 60 ? `${text.slice(0, 10)}… (${text.length} bytes)` : text;
}
