/** The flags that every etcdctl command has (contract: cli §1.1). */
import { flag } from '../cli/flag-set.ts';

export const globalFlags = [
  flag.stringSlice('endpoints', ['127.0.0.1:2379'], 'members to talk to: host:port or http, https, unix, unixs URLs'),
  flag.bool('debug', false, 'write the settings of the client to stderr'),
  flag.string('write-out', 'simple', 'output format: simple, json, fields, table or protobuf', 'w'),
  flag.bool('hex', false, 'keys, values and ids in hexadecimal'),
  flag.duration('dial-timeout', 2_000, 'longest wait for a connection'),
  flag.duration('command-timeout', 5_000, 'longest time that a command may take'),
  flag.duration('keepalive-time', 2_000, 'how often an idle connection is tested, at least 10s'),
  flag.duration('keepalive-timeout', 6_000, 'longest wait for the answer to such a test'),
  flag.bool('insecure-transport', true, 'do without TLS where neither URL nor certificates ask for it'),
  flag.bool('insecure-discovery', true, 'accept http endpoints from DNS discovery'),
  flag.bool('insecure-skip-tls-verify', false, 'accept any server certificate; for experiments only'),
  flag.string('cert', '', 'PEM file with the certificate of this client'),
  flag.string('key', '', 'PEM file with the key of this client'),
  flag.string('cacert', '', 'PEM file with the CAs that server certificates must be issued by'),
  flag.string('user', '', 'name or name:password to log in with; asks for a missing password'),
  flag.string('password', '', 'password to log in with, beside a --user without one'),
  flag.string('discovery-srv', '', 'domain whose SRV records name the members', 'd'),
  flag.string('discovery-srv-name', '', 'name of the cluster within the domain, for DNS discovery'),
];
