-- Where does the time code jump?
--
-- Find frames whose time code advances by a different number of frames than their name. The rate is 24 if
-- `framesPerSecond` is absent. Drop-frame codes (`;`) are ignored.
--
-- $rate number = 24: Frames per second of files that do not state it.
--
-- | sequence_key | frame_number | time_code_before | time_code | frames | time_code_frames |
-- |---|---|---|---|---|---|
-- | hill/sq010/sh010/plate/plate.#.exr | 1004 | 01:00:00:02 | 01:00:00:13 | 1 | 11 |
WITH codes AS (
  SELECT f.sequence_key, f.frame_number, code.value_text AS time_code,
         CAST(round(coalesce(rate.value_float, $rate)) AS bigint) AS rate
  FROM files AS f
  JOIN attributes AS code ON code.file_id = f.file_id AND code.part_index = 0 AND code.attr_name = 'timeCode'
  LEFT JOIN attributes AS rate
    ON rate.file_id = f.file_id AND rate.part_index = 0 AND rate.attr_name = 'framesPerSecond'
  WHERE f.sequence_key IS NOT NULL AND code.value_text LIKE '__:__:__:__'
), counted AS (
  SELECT sequence_key, frame_number, time_code,
         ((CAST(split_part(time_code, ':', 1) AS bigint) * 60
           + CAST(split_part(time_code, ':', 2) AS bigint)) * 60
           + CAST(split_part(time_code, ':', 3) AS bigint)) * rate
           + CAST(split_part(time_code, ':', 4) AS bigint) AS position
  FROM codes
), steps AS (
  SELECT sequence_key, frame_number, time_code,
         lag(time_code) OVER (PARTITION BY sequence_key ORDER BY frame_number) AS time_code_before,
         frame_number - lag(frame_number) OVER (PARTITION BY sequence_key ORDER BY frame_number) AS frames,
         position - lag(position) OVER (PARTITION BY sequence_key ORDER BY frame_number) AS time_code_frames
  FROM counted
)
SELECT sequence_key, frame_number, time_code_before, time_code, frames, time_code_frames
FROM steps
WHERE time_code_frames <> frames
ORDER BY 1, 2
