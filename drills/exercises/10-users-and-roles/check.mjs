/** A permission as one line: what, and on which keys. */
const line = ({ type, key, rangeEnd }) => `${type} ${key}${rangeEnd === '' ? '' : `...${rangeEnd}`}`.toLowerCase();
const none = { en: 'there is none', tr: 'yok' };
const wanted = ['readwrite workshop/app/...workshop/app0', 'read workshop/shared/...workshop/shared0'];

function userHas(name, role) {
  return async (see) => {
    const user = (await see.users()).find((each) => each.name === name);
    const seen = user === undefined ? none : user.roles.join(', ') || { en: 'no role', tr: 'rolü yok' };
    return { met: user?.roles.includes(role) === true, seen };
  };
}

export default [
  {
    is: {
      en: 'role app reads and writes workshop/app/, reads workshop/shared/, and may do nothing else',
      tr: 'app rolü workshop/app/ altını okur ve yazar, workshop/shared/ altını okur; başka izni yok',
    },
    check: async (see) => {
      const role = (await see.roles()).find(({ name }) => name === 'app');
      const has = role?.permissions.map(line) ?? [];
      const met = has.length === wanted.length && wanted.every((each) => has.includes(each));
      return { met, seen: has.join(', ') || none };
    },
  },
  {
    is: { en: 'user app has the role app', tr: 'app kullanıcısının rolü app' },
    check: userHas('app', 'app'),
  },
  {
    is: { en: 'user root has the role root', tr: 'root kullanıcısının rolü root' },
    check: userHas('root', 'root'),
  },
  {
    is: { en: 'authentication is enabled', tr: 'kimlik doğrulama açık' },
    check: async (see) => {
      const isEnabled = await see.isAuthEnabled();
      return { met: isEnabled, seen: isEnabled ? { en: 'enabled', tr: 'açık' } : { en: 'disabled', tr: 'kapalı' } };
    },
  },
  {
    is: { en: 'workshop/app/state says "running"', tr: 'workshop/app/state "running" diyor' },
    check: async (see) => {
      const state = await see.key('workshop/app/state');
      return { met: state?.value === 'running', seen: state?.value ?? none };
    },
  },
  {
    is: {
      en: 'refused.txt holds what app was told about workshop/secret',
      tr: 'refused.txt, app kullanıcısına workshop/secret için verilen cevabı içeriyor',
    },
    check: async (see) => {
      const answer = await see.file('refused.txt');
      return { met: /etcdserver: permission denied/.test(answer ?? ''), seen: answer?.slice(0, 200) ?? none };
    },
  },
];
