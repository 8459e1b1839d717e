const none = { en: 'there is no such key', tr: 'böyle bir anahtar yok' };

export default [
  {
    is: {
      en: 'workshop/answer/member names the member that is wrong',
      tr: 'workshop/answer/member yanlış olan üyenin adı',
    },
    check: async (see) => {
      const answer = await see.key('workshop/answer/member');
      return { met: answer !== undefined && answer.value === (await see.note('member')), seen: answer?.value ?? none };
    },
  },
  {
    is: { en: 'that member has joined anew, under another ID', tr: 'o üye başka bir ID ile yeniden katıldı' },
    check: async (see) => {
      const wrong = await see.note('member');
      const before = (await see.remembered('memberList')).find(({ name }) => name === wrong);
      const now = (await see.memberList()).find(({ name }) => name === wrong);
      return {
        met: now !== undefined && !now.isLearner && now.id !== before?.id,
        seen: { en: 'see etcdctl member list', tr: 'etcdctl member list çıktısına bakın' },
      };
    },
  },
  {
    is: { en: 'all members have the same hash', tr: "bütün üyelerin hash'i aynı" },
    check: async (see) => {
      const hashes = await see.hashes();
      return {
        met: hashes.every(({ hash }) => hash === hashes[0].hash),
        // Who it is, is to be found out.
        seen: [...new Set(hashes.map(({ hash }) => hash))].sort().join(', '),
      };
    },
  },
  {
    is: { en: 'every member says that Bob has 2000002', tr: "her üye Bob'un 2000002'si olduğunu söylüyor" },
    check: async (see) => {
      const told = [];
      for (const { node } of await see.members()) {
        told.push({ node, value: (await see.key('workshop/account/bob', { node }))?.value });
      }
      return {
        met: told.every(({ value }) => value === 'balance=2000002'),
        // What is to be found out is not given away.
        seen: [...new Set(told.map(({ value }) => value ?? '-'))].sort().join(', '),
      };
    },
  },
];
