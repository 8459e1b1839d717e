/** What the workshop says by itself, in the languages of its exercises. */
import type { Language } from '../../../drills/workshop/language.ts';

const en = {
  minutes: (count: number) => `about ${count} min`,
  work: 'In the terminal that you work in:',
  watch: 'In another one, to see how you are doing:',
  orCheck: '(or now and then: etcdlab workshop check; etcdlab workshop hint if you are stuck)',
  stages: {
    backup: 'Backing up what the lab holds now ...',
    setup: 'Setting the exercise up ...',
    solve: 'Running the solution ...',
    reset: 'Taking away what the exercise has made ...',
  },
  seen: 'seen',
  passed: (took: string) => `Passed after ${took}.`,
  passedBySolution: 'The solution passes.',
  notYet: (met: number, of: number) => `${met} of ${of} conditions hold.`,
  next: 'etcdlab workshop next takes it away and goes on.',
  allDone: 'You have passed every exercise.',
  hint: (number: number, of: number) => `Hint ${number} of ${of}`,
  noMoreHints: 'That was the last one. etcdlab workshop solve shows the solution.',
  solution: 'The solution',
  solutionRun: 'It can be typed for you now.',
  wasReset: (title: string) => `'${title}' is taken away; the lab is healthy.`,
  nothingOpen: 'No exercise is open: etcdlab workshop start',
  resumed: 'It is set up already; here it is again.',
  halfSetUp: 'It is half set up, or being set up: etcdlab workshop start sets it up anew.',
  keys: { hint: 'hint', text: 'text', check: 'check', next: 'next', quit: 'quit' },
  done: { learner: 'passed', solution: 'solved' },
  open: 'open',
  localOnly: (numbers: string) => `Only with provider local: ${numbers}.`,
  columns: ['NO', 'EXERCISE', 'TITLE', 'MIN', 'STATE', 'TOOK'],
  status: { hints: 'Hints', attempts: 'Checks', time: 'Time', folder: 'Your folder', progress: 'Passed' },
};

const tr: typeof en = {
  minutes: (count) => `yaklaşık ${count} dk`,
  work: 'Çalıştığınız terminalde:',
  watch: 'Durumunuzu görmek için ikinci bir terminalde:',
  orCheck: '(ya da arada bir etcdlab workshop check; takılırsanız etcdlab workshop hint)',
  stages: {
    backup: 'Laboratuvardaki veriler yedekleniyor ...',
    setup: 'Alıştırma hazırlanıyor ...',
    solve: 'Çözüm çalıştırılıyor ...',
    reset: 'Alıştırmadan kalanlar kaldırılıyor ...',
  },
  seen: 'görülen',
  passed: (took) => `Başardınız. Süre: ${took}.`,
  passedBySolution: 'Çözüm kontrolden geçti.',
  notYet: (met, of) => `${of} koşuldan ${met} tanesi sağlanıyor.`,
  next: 'etcdlab workshop next bunu kaldırır ve sonrakine geçer.',
  allDone: 'Bütün alıştırmaları tamamladınız.',
  hint: (number, of) => `İpucu ${number}/${of}`,
  noMoreHints: 'Bu son ipucuydu. Çözümü görmek için: etcdlab workshop solve',
  solution: 'Çözüm',
  solutionRun: 'İsterseniz şimdi sizin yerinize çalıştırılır.',
  wasReset: (title) => `'${title}' kaldırıldı; laboratuvar sağlıklı.`,
  nothingOpen: 'Açık alıştırma yok: etcdlab workshop start',
  resumed: 'Zaten hazır; metni yeniden gösteriyoruz.',
  halfSetUp: 'Hazırlığı yarım kalmış ya da sürüyor: etcdlab workshop start yeniden hazırlar.',
  keys: { hint: 'ipucu', text: 'metin', check: 'kontrol', next: 'sonraki', quit: 'çık' },
  done: { learner: 'bitti', solution: 'çözümle' },
  open: 'açık',
  localOnly: (numbers) => `Yalnızca provider local ile: ${numbers}.`,
  columns: ['NO', 'ALIŞTIRMA', 'BAŞLIK', 'DK', 'DURUM', 'SÜRE'],
  status: { hints: 'İpucu', attempts: 'Kontrol', time: 'Süre', folder: 'Klasörünüz', progress: 'Biten' },
};

export type Words = typeof en;

export const words: Readonly<Record<Language, Words>> = { en, tr };
