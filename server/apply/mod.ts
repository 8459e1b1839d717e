export { accessOf, type KeyAccess } from './access.ts';
export { type AdmissionLimits, admit } from './admission.ts';
export { AlarmStore } from './alarm-store.ts';
export { Applier, type ApplierParts, type ApplyResponse, type ApplyResult, type MembershipHandler } from './applier.ts';
export { Quota, quotaCost } from './quota.ts';
export { applyRange } from './range.ts';
export { checkDeleteRange, checkPut, checkRange, checkTxn } from './request-check.ts';
export { applyTxn, isReadOnlyTxn, isSerializableTxn } from './txn.ts';
export type { LeaseLookup } from './write.ts';
