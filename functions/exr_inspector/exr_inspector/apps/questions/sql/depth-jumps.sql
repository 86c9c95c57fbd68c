-- Where does the depth jump?
--
-- Frames whose mean depth differs by more than a fifth from the frame before: another camera, another scale, or a broken
-- frame.
--
-- $change number = 0.2: The minimum relative change of the mean.
WITH depths AS (
  SELECT f.sequence_key, f.frame_number, c.mean,
         lag(c.mean) OVER (PARTITION BY f.sequence_key ORDER BY f.frame_number) AS mean_before
  FROM channel_stats AS c
  JOIN files AS f ON f.file_id = c.file_id
  WHERE c.name = 'Z' AND f.sequence_key IS NOT NULL
)
SELECT sequence_key, frame_number, round(mean_before, 1) AS mean_before, round(mean, 1) AS mean
FROM depths
WHERE abs(mean - mean_before) > $change * abs(mean_before)
ORDER BY 1, 2
