/** Our HTTP/2 under h2spec, the conformance suite of RFC 7540 and 7541, on both kinds of listeners. */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../server/base/logger.ts';
