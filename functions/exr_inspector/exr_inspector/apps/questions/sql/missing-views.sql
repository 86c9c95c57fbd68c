-- Which frames lack a view?
--
-- Find views that other frames of the sequence have, either as separate parts or declared by `multiView`.
--
-- | sequence_key | view_name | frames_without |
-- |---|---|---|
-- | tide/sq100/sh100/stereo/beauty.#.exr | right | 3 |
-- | tide/sq100/sh110/stereo/beauty.#.exr | right | 2 |
WITH views AS (
  SELECT file_id, view AS view_name FROM parts WHERE view IS NOT NULL
  UNION
  SELECT file_id, unnest(from_json(value_json, '["VARCHAR"]')) AS view_name
  FROM attributes
  WHERE attr_name = 'multiView' AND attr_type = 'stringvector'
), expected AS (
  SELECT DISTINCT f.sequence_key, views.view_name
  FROM files AS f
  JOIN views ON views.file_id = f.file_id
)
SELECT f.sequence_key, expected.view_name, array_agg(f.frame_number ORDER BY f.frame_number) AS frames_without
FROM files AS f
JOIN expected ON expected.sequence_key = f.sequence_key
LEFT JOIN views ON views.file_id = f.file_id AND views.view_name = expected.view_name
WHERE f.header_hash IS NOT NULL AND views.file_id IS NULL
GROUP BY 1, 2
ORDER BY 1, 2
