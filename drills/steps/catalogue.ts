/** The steps that drill files can name. */
import { corruptMember } from './corrupt-member.ts';
import { damageSnapshots, refuseDamagedSnapshots } from './damage-snapshots.ts';
import { destroyAllMembers } from './destroy-all-members.ts';
import { expireCertificates, noticeExpiredCertificates, renewCertificates } from './expire-certificates.ts';
import { fillDatabase, makeRoom, noticeFullDatabase } from './fill-database.ts';
import { interruptBackup, saveFromAnother, wakeMembers, writeBallast } from './interrupt-backup.ts';
import { loseAuthorityKeys, noticeLostKeys, rotateLostAuthorities } from './lose-authority-keys.ts';
import { loseDisk } from './lose-disk.ts';
import { moveBack, moveToOtherEngine } from './move-engine.ts';
import { noticeDivergence, noticeRefusedStart } from './notice-damage.ts';
import { noticeOutage } from './notice-outage.ts';
import { noticeSingleMembers } from './notice-single-members.ts';
import { followChanges, makeMistake, restoreMoment, writeRecorded } from './point-in-time.ts';
import { recordStateStep } from './record-state.ts';
import { replaceMembers } from './replace-members.ts';
import { restoreAllMembers } from './restore-all-members.ts';
import { loseEverything, restoreElsewhere } from './restore-elsewhere.ts';
import { deletePrefix, restorePrefix } from './restore-prefix.ts';
import { keepOlderSnapshot, removeWrongRestore, restoreOneDirectory, restoreOneFromOlder } from './restore-wrongly.ts';
import { saveFromSurvivor } from './save-from-survivor.ts';
import { noticeClockSkew, skewCertificates } from './skew-certificates.ts';
import { startAllMembers } from './start-all-members.ts';
import type { Step } from './step.ts';
import { takeSnapshot } from './take-snapshot.ts';
import { writeAfterSnapshot } from './write-after-snapshot.ts';
import { writeDataset } from './write-dataset.ts';
import { writeOn } from './write-on.ts';

const steps = [
  writeDataset,
  writeBallast,
  recordStateStep,
  takeSnapshot,
  writeAfterSnapshot,
  destroyAllMembers,
  loseDisk,
  loseEverything,
  corruptMember,
  expireCertificates,
  skewCertificates,
  loseAuthorityKeys,
  fillDatabase,
  interruptBackup,
  deletePrefix,
  damageSnapshots,
  keepOlderSnapshot,
  restoreOneFromOlder,
  restoreOneDirectory,
  removeWrongRestore,
  noticeOutage,
  noticeRefusedStart,
  noticeDivergence,
  noticeExpiredCertificates,
  noticeClockSkew,
  noticeLostKeys,
  noticeFullDatabase,
  noticeSingleMembers,
  refuseDamagedSnapshots,
  writeOn,
  saveFromSurvivor,
  restoreAllMembers,
  startAllMembers,
  replaceMembers,
  renewCertificates,
  rotateLostAuthorities,
  makeRoom,
  saveFromAnother,
  wakeMembers,
  restorePrefix,
  followChanges,
  writeRecorded,
  makeMistake,
  restoreMoment,
  restoreElsewhere,
  moveToOtherEngine,
  moveBack,
];

/** Steps by name. Parameters are checked by the step's own schema before it runs. */
export const stepCatalogue: ReadonlyMap<string, Step> = new Map(steps.map((step) => [step.name, step as Step]));
