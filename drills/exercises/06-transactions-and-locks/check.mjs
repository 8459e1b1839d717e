const none = { en: 'there is no such key', tr: 'böyle bir anahtar yok' };

export default [
  {
    is: {
      en: 'Alice has 70 and Bob 80, since the same revision',
      tr: "Alice'in 70'i, Bob'un 80'i var; ikisi de aynı revision'dan beri",
    },
    check: async (see) => {
      const [alice, bob] = [await see.key('workshop/account/alice'), await see.key('workshop/account/bob')];
      const met = alice?.value === '70' && bob?.value === '80' && alice.modRevision === bob.modRevision;
      const told = (account) => `${account?.value} (revision ${account?.modRevision})`;
      return { met, seen: `alice ${told(alice)}, bob ${told(bob)}` };
    },
  },
  {
    is: {
      en: 'the second time it was refused: workshop/account/refused says "yes", and was written later',
      tr: 'ikincisi reddedildi: workshop/account/refused "yes" diyor ve daha sonra yazıldı',
    },
    check: async (see) => {
      const [refused, alice] = [await see.key('workshop/account/refused'), await see.key('workshop/account/alice')];
      if (refused === undefined) return { met: false, seen: none };
      const met = refused.value === 'yes' && refused.modRevision > (alice?.modRevision ?? 0);
      return { met, seen: `${refused.value} (revision ${refused.modRevision})` };
    },
  },
  {
    is: {
      en: 'workshop/holder names a key of the lock workshop/mutex',
      tr: 'workshop/holder, workshop/mutex kilidinin bir anahtarını gösteriyor',
    },
    check: async (see) => {
      const holder = await see.key('workshop/holder');
      const met = holder !== undefined && /^workshop\/mutex\/[0-9a-f]+$/.test(holder.value);
      return { met, seen: holder?.value ?? none };
    },
  },
  {
    is: { en: 'nobody holds the lock any more', tr: 'kilidi artık kimse tutmuyor' },
    guard: true,
    check: async (see) => {
      const holders = await see.keys('workshop/mutex/');
      const nobody = { en: 'nobody does', tr: 'kimse tutmuyor' };
      return {
        met: holders.length === 0,
        seen: holders.length === 0 ? nobody : holders.map(({ key }) => key).join(', '),
      };
    },
  },
];
