const none = { en: 'there is no such key', tr: 'böyle bir anahtar yok' };

/** Whether a key hangs on a lease of a given time. */
const hangsOn = async (see, name, value, isRight) => {
  const key = await see.key(name);
  if (key === undefined) return { met: false, seen: none };
  const lease = (await see.leases()).find(({ id }) => id === key.lease);
  const granted = lease?.grantedSeconds;
  const seen =
    granted === undefined
      ? { en: `${key.value}, without a lease`, tr: `${key.value}, lease yok` }
      : { en: `${key.value}, on a lease of ${granted} s`, tr: `${key.value}, ${granted} saniyelik lease` };
  return { met: key.value === value && granted !== undefined && isRight(granted), seen };
};

export default [
  {
    is: {
      en: 'workshop/answer/keys is how many keys hung on that lease',
      tr: "workshop/answer/keys, o lease'e bağlı anahtar sayısı",
    },
    check: async (see) => {
      const answer = await see.key('workshop/answer/keys');
      return { met: answer?.value === '4', seen: answer?.value ?? none };
    },
  },
  {
    is: {
      en: 'that lease is revoked, and only that one: workshop/other is still there',
      tr: 'o lease, yalnızca o, sonlandırılmış: workshop/other hâlâ duruyor',
    },
    check: async (see) => {
      const [nodes, other] = [await see.keys('workshop/node/'), await see.key('workshop/other')];
      const names = [...nodes, ...(other === undefined ? [] : [other])].map(({ key }) => key);
      return { met: nodes.length === 0 && other?.lease !== undefined, seen: names.join(', ') || none };
    },
  },
  {
    is: {
      en: 'workshop/session is "alive" on a lease of 600 s',
      tr: 'workshop/session 600 saniyelik bir lease ile "alive"',
    },
    check: (see) => hangsOn(see, 'workshop/session', 'alive', (seconds) => seconds === 600),
  },
  {
    is: {
      en: 'workshop/heartbeat is "here" on a lease of 10 s',
      tr: 'workshop/heartbeat, 10 saniyelik bir lease ile "here"',
    },
    check: (see) => hangsOn(see, 'workshop/heartbeat', 'here', (seconds) => seconds === 10),
  },
];
