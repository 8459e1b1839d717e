export default [
  {
    is: {
      en: 'workshop/answer is twice workshop/question',
      tr: 'workshop/answer, workshop/question sayısının iki katı',
    },
    check: async (see) => {
      const [question, answer] = [await see.key('workshop/question'), await see.key('workshop/answer')];
      return {
        met: answer !== undefined && Number(answer.value) === 2 * Number(question?.value),
        seen: answer?.value ?? { en: 'there is no such key', tr: 'böyle bir anahtar yok' },
      };
    },
  },
];
