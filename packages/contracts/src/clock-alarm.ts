/** Corrosion does not believe a change that is further ahead of its own clock. */
export const clockAlarmMs = 300
