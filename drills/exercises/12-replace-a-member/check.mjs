const none = { en: 'there is no such key', tr: 'böyle bir anahtar yok' };

export default [
  {
    is: { en: 'workshop/id/old is the ID of the member that was lost', tr: "workshop/id/old, kaybedilen üyenin ID'si" },
    check: async (see) => {
      const answer = await see.key('workshop/id/old');
      return { met: answer !== undefined && answer.value === (await see.note('id')), seen: answer?.value ?? none };
    },
  },
  {
    is: { en: 'no member has this ID any more', tr: 'artık hiçbir üyede bu ID yok' },
    check: async (see) => {
      const old = await see.note('id');
      const ids = (await see.memberList()).map(({ id }) => id);
      return { met: old !== undefined && !ids.includes(old), seen: ids.join(', ') };
    },
  },
  {
    is: {
      en: 'three members vote, and the new one runs and answers',
      tr: 'üç üye oy veriyor; yenisi çalışıyor ve cevap veriyor',
    },
    check: async (see) => {
      const [node, list, members] = [await see.note('node'), await see.memberList(), await see.members()];
      const voters = list.filter(({ isLearner, name }) => !isLearner && name !== '').map(({ name }) => name);
      const isUp = members.every(({ status }) => status !== undefined);
      return {
        met: voters.length === 3 && voters.includes(node) && isUp,
        seen: members.map((each) => `${each.node}: ${each.status?.role ?? each.process}`).join(', '),
      };
    },
  },
  {
    is: {
      en: 'the new member itself holds what was written before and after',
      tr: 'yeni üyenin kendisinde önce ve sonra yazılanlar var',
    },
    check: async (see) => {
      const node = await see.note('node');
      const keys = [];
      for (const key of ['workshop/before', 'workshop/after']) {
        if ((await see.key(key, { node })) !== undefined) keys.push(key);
      }
      return { met: keys.length === 2, seen: keys.join(', ') || none };
    },
  },
  {
    is: { en: 'workshop/id/new is its ID', tr: "workshop/id/new onun ID'si" },
    check: async (see) => {
      const [answer, node, old] = [await see.key('workshop/id/new'), await see.note('node'), await see.note('id')];
      const member = (await see.memberList()).find(({ name }) => name === node);
      return {
        met: member !== undefined && member.id !== old && answer?.value === member.id,
        seen: answer?.value ?? none,
      };
    },
  },
];
