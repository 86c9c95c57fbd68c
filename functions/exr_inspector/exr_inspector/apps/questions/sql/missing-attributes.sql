-- Which standard attributes are missing?
--
-- Count valid files without attributes that deliveries usually require; put your own list in `wanted`.
--
-- $attributes text = owner,capDate,framesPerSecond,colorInteropID: Names, separated by commas.
SELECT regexp_extract(f.file_path, $show, 1) AS show_name, wanted.attr_name, count(*) AS files_without
FROM files AS f
CROSS JOIN UNNEST(split($attributes, ',')) AS wanted (attr_name)
LEFT JOIN attributes AS a ON a.file_id = f.file_id AND a.attr_name = wanted.attr_name
WHERE f.status = 'ok' AND a.file_id IS NULL
GROUP BY 1, 2
ORDER BY 1, 2
