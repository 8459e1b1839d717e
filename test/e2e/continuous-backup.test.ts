/** Backups that go on by themselves, and restores to any moment, on members of our own. */
import { describe } from 'vitest';
import { specifyContinuousBackup } from '../support/continuous-backup-spec.ts';

describe('on the built-in engine, a continuous backup', () => specifyContinuousBackup(() => ({})));
