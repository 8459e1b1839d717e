import { expect, it } from 'vitest';
import { withoutGiven } from './ctl.ts';

const environment = { ETCDCTL_ENDPOINTS: 'https://a,https://b', ETCDCTL_CACERT: '/ca.pem', ETCDCTL_KEY: '/key.pem' };

it.each([
  [['get', 'a'], environment],
  [['--endpoints', 'https://a', 'get', 'a'], { ...environment, ETCDCTL_ENDPOINTS: undefined }],
  [['snapshot', 'save', 'f', '--endpoints=https://a'], { ...environment, ETCDCTL_ENDPOINTS: undefined }],
  [['get', 'a', '--cacert=x', '--key', 'y'], { ...environment, ETCDCTL_CACERT: undefined, ETCDCTL_KEY: undefined }],
  [['put', 'a', '--', '--endpoints'], environment],
])('etcdctl %j is told by variables what no flag says', (args, expected) => {
  const given = withoutGiven(environment, args);
  expect(given).toMatchObject(expected);
});
