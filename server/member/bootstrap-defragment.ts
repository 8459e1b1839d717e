/** Makes a database smaller before the member serves anyone (`--experimental-bootstrap-defrag-threshold-megabytes`). */
import type { BoltBackend } from '../backend/bolt-backend.ts';
import type { Logger } from '../base/logger.ts';

const megabyte = 1024 * 1024;

/** @param thresholdMegabytes rewrites the file if that frees as much or more; 0: never */
export async function defragmentAtStart(
  backend: Pick<BoltBackend, 'sizeBytes' | 'sizeInUseBytes' | 'defragment'>,
  thresholdMegabytes: number,
  log: Logger,
): Promise<void> {
  if (thresholdMegabytes === 0) return;
  const before = {
    'current-db-size-bytes': backend.sizeBytes(),
    'current-db-size-in-use-bytes': backend.sizeInUseBytes(),
  };
  const thresholdBytes = thresholdMegabytes * megabyte;
  const freeableBytes = backend.sizeBytes() - backend.sizeInUseBytes();
  if (freeableBytes < thresholdBytes) {
    log.info('skipping defragmentation', { ...before, 'defrag-threshold-bytes': thresholdBytes });
    return;
  }
  log.info('defragmenting', before);
  await backend.defragment();
  log.info('finished defragmenting', { ...before, 'new-db-size-bytes': backend.sizeBytes() });
}
