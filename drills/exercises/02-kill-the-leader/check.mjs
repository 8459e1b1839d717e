const none = { en: 'there is no such key', tr: 'böyle bir anahtar yok' };

export default [
  {
    is: {
      en: 'workshop/leader/before names the member that led at the beginning',
      tr: 'workshop/leader/before, başlangıçtaki liderin adı',
    },
    check: async (see) => {
      const answer = await see.key('workshop/leader/before');
      return { met: answer?.value === (await see.remembered('leader')), seen: answer?.value ?? none };
    },
  },
  {
    is: { en: 'that member was stopped, and runs again', tr: 'o üye durduruldu ve yeniden çalışıyor' },
    check: async (see) => {
      const leader = await see.remembered('leader');
      const byName = ({ node }) => node === leader;
      const [before, now] = [(await see.remembered('members')).find(byName), (await see.members()).find(byName)];
      const isBack = now?.process === 'running' && now.status !== undefined;
      const seen =
        now?.pid === before?.pid
          ? { en: `${leader} has not been stopped yet`, tr: `${leader} henüz durdurulmadı` }
          : `${leader}: ${now?.process}`;
      return { met: isBack && now.pid !== before?.pid, seen };
    },
  },
  {
    is: { en: 'another member leads, in a later term', tr: "daha sonraki bir term'de başka bir üye lider" },
    check: async (see) => {
      const termOf = (members) => Math.max(0, ...members.map(({ status }) => status?.term ?? 0));
      const [first, leader] = [await see.remembered('leader'), await see.leader()];
      const [before, now] = [termOf(await see.remembered('members')), termOf(await see.members())];
      return {
        met: leader !== undefined && leader !== first && now > before,
        seen: { en: `${leader ?? 'nobody'} leads in term ${now}`, tr: `term ${now}, lider: ${leader ?? 'yok'}` },
      };
    },
  },
  {
    is: { en: 'workshop/leader/after names the one that leads now', tr: 'workshop/leader/after, şimdiki liderin adı' },
    check: async (see) => {
      const [answer, leader] = [await see.key('workshop/leader/after'), await see.leader()];
      return { met: leader !== undefined && answer?.value === leader, seen: answer?.value ?? none };
    },
  },
  {
    is: { en: 'workshop/without says "it works"', tr: 'workshop/without "it works" diyor' },
    check: async (see) => {
      const written = await see.key('workshop/without');
      return { met: written?.value === 'it works', seen: written?.value ?? none };
    },
  },
];
