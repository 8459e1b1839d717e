import { expect, test } from 'vitest';
import type { LoadConnection } from '../load/connection.ts';
import { firstAcknowledged } from './failover.ts';

const member = (unary: () => Promise<unknown>) => ({ unary }) as Pick<LoadConnection, 'unary'>;
const refusing = member(() => Promise.reject(new Error('no leader')));

test('the failover is over when one of the members acknowledges', async () => {
  await firstAcknowledged([refusing, member(() => Promise.resolve({}))], 10_000);
});

test('members that never acknowledge are no failover', async () => {
  await expect(firstAcknowledged([refusing], 20)).rejects.toThrow('no put is acknowledged within 0.02 s');
});
