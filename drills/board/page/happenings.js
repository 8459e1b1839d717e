/** What happened, in a sentence. */
import { formatCount, formatDuration } from './formats.js';
import { texts } from './texts.js';

/** Marks that tell kinds apart without colour. */
const marks = {
  'leader-elected': '♛',
  'leader-lost': '✖',
  'member-down': '▼',
  'member-up': '▲',
  'member-restarted': '↻',
  'alarm-raised': '⚠',
  'alarm-cleared': '✔',
  'member-added': '+',
  'learner-added': '+',
  'learner-promoted': '↑',
  'member-removed': '−',
  'snapshot-saved': '▣',
  'snapshot-received': '▣',
  'revision-back': '⚠',
  'cluster-replaced': '⚠',
  'certificate-replaced': '↻',
  'exercise-started': '▶',
  'exercise-passed': '✔',
  'exercise-solved': '▷',
};

const bad = ['leader-lost', 'member-down', 'alarm-raised', 'revision-back', 'cluster-replaced'];
const good = ['leader-elected', 'member-up', 'alarm-cleared', 'exercise-passed', 'learner-promoted'];

const sentences = {
  en: {
    'leader-elected': ({ member, term }) => `${member} leads now, in term ${term}`,
    'leader-lost': () => 'There is no leader',
    'member-down': ({ member, why }) => `${member} is down: ${texts.en.silence[why]}`,
    'member-up': ({ member }) => `${member} answers again`,
    'member-restarted': ({ member }) => `${member} was restarted`,
    'alarm-raised': ({ member, alarm }) => `Alarm ${alarm} of ${member}`,
    'alarm-cleared': ({ member, alarm }) => `Alarm ${alarm} of ${member} is cleared`,
    'member-added': ({ member }) => `${member} was added as a member`,
    'learner-added': ({ member }) => `${member} was added as a learner`,
    'learner-promoted': ({ member }) => `${member} was promoted: it votes now`,
    'member-removed': ({ member }) => `${member} was removed`,
    'snapshot-saved': ({ member }) => `A snapshot was taken of ${member}`,
    'snapshot-received': ({ member }) => `${member} was sent the whole database by its leader`,
    'revision-back': ({ from, to }) =>
      `The revision went back from ${formatCount(from, 'en')} to ${formatCount(to, 'en')}`,
    'cluster-replaced': ({ clusterId }) => `Another cluster answers: ${clusterId}`,
    'certificate-replaced': ({ member }) => `${member} serves a new certificate`,
    'exercise-started': ({ title, exercise }) => `began: ${title.en ?? exercise}`,
    'exercise-passed': ({ title, exercise, tookMs }) =>
      `passed: ${title.en ?? exercise}${tookMs === undefined ? '' : `, after ${formatDuration(tookMs)}`}`,
    'exercise-solved': ({ title, exercise }) => `had it solved: ${title.en ?? exercise}`,
  },
  tr: {
    'leader-elected': ({ member, term }) => `Artık lider ${member}, term ${term}`,
    'leader-lost': () => 'Lider yok',
    'member-down': ({ member, why }) => `${member} kapalı: ${texts.tr.silence[why]}`,
    'member-up': ({ member }) => `${member} yeniden cevap veriyor`,
    'member-restarted': ({ member }) => `${member} yeniden başlatıldı`,
    'alarm-raised': ({ member, alarm }) => `${member} için ${alarm} alarmı`,
    'alarm-cleared': ({ member, alarm }) => `${member} için ${alarm} alarmı kaldırıldı`,
    'member-added': ({ member }) => `${member} üye olarak eklendi`,
    'learner-added': ({ member }) => `${member} learner olarak eklendi`,
    'learner-promoted': ({ member }) => `${member} terfi etti: artık oy veriyor`,
    'member-removed': ({ member }) => `${member} çıkarıldı`,
    'snapshot-saved': ({ member }) => `${member} üyesinden snapshot alındı`,
    'snapshot-received': ({ member }) => `${member} bütün veritabanını liderden aldı`,
    'revision-back': ({ from, to }) => `Revision geri gitti: ${formatCount(from, 'tr')} → ${formatCount(to, 'tr')}`,
    'cluster-replaced': ({ clusterId }) => `Başka bir cluster cevap veriyor: ${clusterId}`,
    'certificate-replaced': ({ member }) => `${member} yeni bir sertifika sunuyor`,
    'exercise-started': ({ title, exercise }) => `başladı: ${title.tr ?? title.en ?? exercise}`,
    'exercise-passed': ({ title, exercise, tookMs }) =>
      `bitirdi: ${title.tr ?? title.en ?? exercise}${tookMs === undefined ? '' : `, süre ${formatDuration(tookMs)}`}`,
    'exercise-solved': ({ title, exercise }) => `çözüme baktı: ${title.tr ?? title.en ?? exercise}`,
  },
};

/** @param shownLab others are named @returns mark, sentence, and whether it is good or bad news */
export function describeHappening({ lab, change }, language, shownLab) {
  const isLearners = change.kind.startsWith('exercise-');
  const sentence = sentences[language][change.kind](change);
  return {
    mark: marks[change.kind],
    sentence: isLearners || lab !== shownLab ? `${lab} ${sentence}` : sentence,
    tone: bad.includes(change.kind) ? 'bad' : good.includes(change.kind) ? 'good' : 'plain',
  };
}
