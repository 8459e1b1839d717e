/** What is said about a drill that was killed, once it has been undone. */
import type { UndoneDrill } from '../../drills/engine/interrupted.ts';
import type { Cli } from './cli.ts';

/** Says that it was undone, and where that lies which was written to what the drill had made. */
export function tellUndone(cli: Cli, undone: UndoneDrill | undefined): void {
  if (undone === undefined) return;
  cli.ui.warning(undone.message);
  const kept = Object.values(undone.keptWrites);
  if (kept.length > 0) {
    cli.ui.warning(
      `what was written to the restored members meanwhile is kept, until you remove it: ${kept.join(', ')}`,
    );
  }
}
