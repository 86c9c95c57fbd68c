WITH views AS (
  SELECT file_id, view AS view_name FROM parts WHERE view IS NOT NULL
  UNION
  SELECT a.file_id, declared.view_name
  FROM attributes AS a
  CROSS JOIN UNNEST(TRY_CAST(json_parse(a.value_json) AS array(varchar))) AS declared (view_name)
  WHERE a.attr_name = 'multiView' AND a.attr_type = 'stringvector'
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
