const none = { en: 'no answer yet', tr: 'henüz cevap yok' };

const ownSnapshot = {
  is: {
    en: 'there is a file mine.db, and workshop/mine says at which revision you took it',
    tr: "mine.db adlı bir dosya var; workshop/mine hangi revision'da aldığınızı söylüyor",
  },
  check: async (see) => {
    const [files, answer, last] = [
      await see.files(),
      await see.key('workshop/mine'),
      await see.key('workshop/orders/3'),
    ];
    const revision = Number(answer?.value);
    const fits = last !== undefined && revision >= last.modRevision && revision < (answer?.modRevision ?? 0);
    if (!files.includes('mine.db')) return { met: false, seen: { en: 'there is no mine.db', tr: 'mine.db yok' } };
    return { met: fits, seen: answer?.value ?? none };
  },
};

export default [
  ownSnapshot,
  ...['monday', 'tuesday', 'wednesday', 'thursday', 'friday'].map((day) => ({
    is: { en: `workshop/file/${day} says what ${day}.db is`, tr: `workshop/file/${day}, ${day}.db için doğru cevap` },
    check: async (see) => {
      const answer = await see.key(`workshop/file/${day}`);
      return { met: answer !== undefined && answer.value === (await see.note(day)), seen: answer?.value ?? none };
    },
  })),
];
