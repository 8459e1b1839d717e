const dayMs = 86_400_000;
const none = { en: 'there is no such key', tr: 'böyle bir anahtar yok' };
const daysLeft = (served) =>
  served === undefined ? 0 : Math.floor((new Date(served.notAfter).getTime() - Date.now()) / dayMs);
/** Serial numbers are written with and without zeros, colons and capitals. */
const serialOf = (text = '') =>
  text
    .replace(/^serial=/i, '')
    .replaceAll(':', '')
    .replace(/^0+/, '')
    .trim()
    .toLowerCase();

export default [
  {
    is: {
      en: 'workshop/expiring names the member whose certificate was about to expire',
      tr: 'workshop/expiring, sertifikasının süresi dolmak üzere olan üyenin adı',
    },
    check: async (see) => {
      const answer = await see.key('workshop/expiring');
      return { met: answer?.value === (await see.note('node')), seen: answer?.value ?? none };
    },
  },
  {
    is: {
      en: 'every member shows its clients a certificate that is good for a week at least',
      tr: 'her üye istemcilere en az bir hafta geçerli bir sertifika gösteriyor',
    },
    check: async (see) => {
      const left = [];
      for (const { node } of await see.members()) {
        const served = await see.served(node);
        left.push({ node, days: daysLeft(served) });
      }
      return {
        met: left.every(({ days }) => days >= 7),
        seen: {
          en: left.map(({ node, days }) => `${node}: ${days} days`).join(', '),
          tr: left.map(({ node, days }) => `${node}: ${days} gün`).join(', '),
        },
      };
    },
  },
  {
    is: {
      en: 'workshop/serial is the serial number of the certificate that this member serves now',
      tr: 'workshop/serial, bu üyenin şimdi sunduğu sertifikanın seri numarası',
    },
    check: async (see) => {
      const [answer, node] = [await see.key('workshop/serial'), await see.note('node')];
      const served = await see.served(node);
      const isNew = daysLeft(served) >= 7;
      return { met: isNew && serialOf(answer?.value) === serialOf(served.serial), seen: answer?.value ?? none };
    },
  },
  {
    is: { en: 'no member was restarted for it', tr: 'bunun için hiçbir üye yeniden başlatılmadı' },
    guard: true,
    check: async (see) => {
      const before = new Map((await see.remembered('members')).map(({ node, pid }) => [node, pid]));
      const restarted = (await see.members())
        .filter(({ node, pid }) => pid !== before.get(node))
        .map(({ node }) => node);
      return {
        met: restarted.length === 0,
        seen: restarted.join(', ') || { en: 'all run since the beginning', tr: 'hepsi baştan beri çalışıyor' },
      };
    },
  },
];
