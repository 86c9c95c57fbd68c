-- Which files were rendered again?
--
-- A file modified after it was first seen was rendered or copied again. `inspections` counts every inspection, whether
-- or not the file had changed.
SELECT sequence_key,
       array_agg(frame_number ORDER BY frame_number) AS frames,
       max(inspection_count) AS inspections
FROM files
WHERE sequence_key IS NOT NULL AND mtime > first_seen
GROUP BY 1
ORDER BY 1
