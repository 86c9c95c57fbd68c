-- Which frames are missing?
--
-- Find gaps between the first and last frame present. A sequence rendered with a frame step shows one gap per step.
--
-- | sequence_key | first_missing | last_missing | frames |
-- |---|---|---|---|
-- | hill/sq010/sh010/render/beauty.#.exr | 1004 | 1005 | 2 |
-- | hill/sq010/sh010/render/beauty.#.exr | 1008 | 1008 | 1 |
WITH steps AS (
  SELECT sequence_key, frame_number,
         lag(frame_number) OVER (PARTITION BY sequence_key ORDER BY frame_number) AS frame_before
  FROM files
  WHERE sequence_key IS NOT NULL AND status <> 'missing'
)
SELECT sequence_key,
       frame_before + 1 AS first_missing,
       frame_number - 1 AS last_missing,
       frame_number - frame_before - 1 AS frames
FROM steps
WHERE frame_number > frame_before + 1
ORDER BY 1, 2
