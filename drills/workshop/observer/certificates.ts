/** What a check can see of certificates: in files of the learner's folder, and on the members' sockets. Reads only. */
import { type CertificateFacts, inspect } from '../../../pki/mod.ts';
import type { Lab } from '../../../toolkit/lab/lab.ts';
import { probe } from '../../../toolkit/provision/pki/served.ts';
import { readBounded } from './files.ts';

export type Port = 'client' | 'peer';

/** @param work the learner's folder @param timeoutMs of each handshake */
export function certificateObservations(lab: Lab, work: string, timeoutMs: number) {
  const addressOf = (name: string, port: Port) => {
    const { address, clientPort, peerPort } = lab.node(name);
    return { address, port: port === 'peer' ? peerPort : clientPort, timeoutMs };
  };
  const must = async (file: string): Promise<string> => {
    const text = await readBounded(work, file);
    if (text === undefined) throw new Error(`there is no file ${file}`);
    return text.toString();
  };
  return {
    /** @returns what the first certificate of a PEM file says; undefined if the file is not there */
    certificate: async (file: string): Promise<CertificateFacts | undefined> => {
      const text = await readBounded(work, file);
      return text === undefined ? undefined : inspect(text);
    },
    /** @returns what the certificate says that a member serves; undefined if there was no handshake */
    served: async (node: string, port: Port = 'client'): Promise<CertificateFacts | undefined> => {
      const { certificate } = await probe(addressOf(node, port));
      return certificate === undefined ? undefined : inspect(certificate);
    },
    /** Shows a member the certificate in a file, and tells whether it is accepted. */
    handshake: async (node: string, files: { certificate: string; key: string; port?: Port }) => {
      const client = { certificate: await must(files.certificate), key: await must(files.key) };
      const { answered, refused, problem } = await probe({ ...addressOf(node, files.port ?? 'client'), client });
      return { answered, refused, ...(problem !== undefined && { problem }) };
    },
  };
}
