/** The environment of an `etcdlab` that a test or a measurement starts. */

/**
 * Only the working directory says which lab is meant. Inherited, these would come before its lab.yaml: whoever starts the
 * tests in the shell of a workshop would have the own lab destroyed.
 */
export const noLabChosen = { ETCDLAB_FILE: '', ETCDLAB_NAME: '', ETCDLAB_STATE_DIR: '' } as const;
