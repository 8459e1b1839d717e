/** The output formats by name. */
import { ExitCode, ExitError } from '../../cli/exit-error.ts';
import type { CliIo } from '../../cli/io.ts';
import { fieldsPrinter } from './fields.ts';
import { jsonPrinter } from './json.ts';
import type { Printer } from './printer.ts';
import { protobufPrinter } from './protobuf.ts';
import { simplePrinter } from './simple.ts';
import { tablePrinter } from './table.ts';

/** @throws ExitError (4) when there is no such format */
export function printerFor(format: string, io: CliIo, options: { hex: boolean; valueOnly: boolean }): Printer {
  switch (format) {
    case 'simple':
      return simplePrinter(io, options);
    case 'json':
      return jsonPrinter(io, options.hex);
    case 'fields':
      return fieldsPrinter(io);
    case 'table':
      return tablePrinter(io);
    case 'protobuf':
      return protobufPrinter(io);
    default:
      throw new ExitError(ExitCode.BadFeature, 'unsupported output format');
  }
}
